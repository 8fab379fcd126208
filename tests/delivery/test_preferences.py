"""What the preferences of OTLP metrics make of each kind of instrument."""

import pytest

from tests.bootstrap.test_configure import run


PROGRAM = """
import otel_flow
from opentelemetry import metrics
telemetry = otel_flow.configure(service_name="shop", traces_exporters="none", logs_exporters="none")
meter = metrics.get_meter("shop")
meter.create_counter("counter").add(1)
meter.create_histogram("histogram").record(1)
meter.create_up_down_counter("up_down").add(1)
observed = [lambda _options: [metrics.Observation(1)]]
meter.create_observable_counter("observed", observed)
meter.create_observable_up_down_counter("observed_up_down", observed)
"""

KINDS = ("counter", "histogram", "observed", "observed_up_down", "up_down")


def temporalities(receiver):
    """Instrument → delta or cumulative; None for one that did not arrive."""
    found = {}
    for request in receiver.requests:
        for resource in getattr(request, "resource_metrics", ()):
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    found[metric.name] = getattr(data, "aggregation_temporality", None)
    return {name: {1: "delta", 2: "cumulative"}.get(found.get(name)) for name in KINDS}


@pytest.mark.parametrize(
    ("preference", "delta"),
    [
        ("cumulative", ()),
        ("delta", ("counter", "histogram", "observed")),
        ("lowmemory", ("counter", "histogram")),
    ],
)
def test_temporality(receiver, preference, delta):
    """Which instruments send deltas is the specification's table (OTLP metrics exporter)."""
    done = run(
        PROGRAM,
        receiver.endpoint,
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=preference,
    )

    assert done.returncode == 0, done.stderr
    expected = {name: "delta" if name in delta else "cumulative" for name in KINDS}
    assert temporalities(receiver) == expected
