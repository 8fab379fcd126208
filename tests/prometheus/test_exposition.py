"""What is written of metric families, beside what prometheus-client writes of the same."""

import prometheus_client.exposition
import prometheus_client.openmetrics.exposition

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_flow.prometheus.exposition import exposed
from otel_flow.prometheus.families import Memory, build_families


SPECIAL = st.text(st.sampled_from('a"\\\n{},= é'), max_size=20)
TEXT = st.one_of(SPECIAL, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
VALUES = st.one_of(TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats())
# prometheus-client sorts the bucket's label among the others, which makes no difference.
ATTRIBUTES = st.dictionaries(TEXT.map("attribute.{}".format), VALUES, max_size=4)
NUMBERS = st.one_of(
    st.integers(0, 10**12), st.floats(0, allow_nan=False, allow_infinity=False, width=32)
)


def families(measurements, description):
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("test")
    counter = meter.create_counter("app.orders", unit="{order}", description=description)
    histogram = meter.create_histogram("app.order.size", unit="By", description=description)
    gauge = meter.create_up_down_counter("app.load", description=description)
    spans = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    for value, attributes in measurements:
        with spans.start_as_current_span("one"):
            counter.add(value, attributes)
            histogram.record(value, attributes)
        gauge.add(-value, attributes)
    found = build_families(reader.get_metrics_data(), Resource({"a": "b"}), Memory())
    provider.shutdown()
    return found


class Registry:
    def __init__(self, found):
        self._found = found

    def collect(self):
        return self._found


@given(st.lists(st.tuples(NUMBERS, ATTRIBUTES), max_size=5), TEXT)
def test_it_is_what_prometheus_client_writes(measurements, description):
    """Both formats are byte for byte those of prometheus-client, exemplars and escapes included."""
    found = families(measurements, description)

    text = prometheus_client.exposition.generate_latest(Registry(found))
    open_metrics = prometheus_client.openmetrics.exposition.generate_latest(Registry(found))
    assert exposed(found, openmetrics=False) == text
    assert exposed(found, openmetrics=True) == open_metrics


def test_a_lone_surrogate_is_a_question_mark():
    """A value that is no Unicode costs a character, not the scrape."""
    found = families([(1, {"path": "a\udc80b"})], "")

    assert b'app_orders_total{path="a?b"} 1.0' in exposed(found, openmetrics=True)
