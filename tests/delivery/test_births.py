"""The zero that precedes the first value of a series whose id another process may have had."""

import time

import pytest

from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from otel_flow.delivery import build_pipeline
from tests.delivery.backend import until


class Taken:
    """An identity that was taken over *since*."""

    def __init__(self):
        self.since = time.time_ns()


@pytest.fixture
def flow(build, base, monkeypatch):
    """A harness whose process has taken its id over just now."""
    identity = Taken()
    monkeypatch.setattr(
        "tests.delivery.conftest.build_pipeline", lambda s: build_pipeline(s, identity=identity)
    )
    harness = build(base, delay=60)
    harness.identity = identity
    return harness


def points(backend, name):
    """Return all points of metric *name* in the order they came."""
    metrics = [m for m in backend.metrics() if m.name == name]
    return [p for m in metrics for p in getattr(m, m.WhichOneof("data")).data_points]


def test_a_counter_begins_at_zero(flow, backend):
    """The first value of a counter comes with a zero between the take-over and itself."""
    counter = flow.meter.create_counter("orders")
    counter.add(3, {"kind": "a"})
    flow.pipeline.force_flush(5)
    zero, first = points(backend, "orders")

    assert (zero.as_int, first.as_int) == (0, 3)
    assert [a.value.string_value for a in zero.attributes] == ["a"]
    assert zero.time_unix_nano >= flow.identity.since
    assert first.time_unix_nano - zero.time_unix_nano >= 2_000_000


def test_a_series_is_born_once(flow, backend):
    """Further values get no zero, and a new set of attributes gets one of its own."""
    counter = flow.meter.create_counter("orders")
    for kind in ("a", "a", "b"):
        counter.add(1, {"kind": kind})
        flow.pipeline.force_flush(5)

    assert sorted(p.as_int for p in points(backend, "orders")) == [0, 0, 1, 1, 2, 2]


def test_histograms_begin_empty(flow, backend):
    """Histograms are preceded by one that holds nothing, with the same bounds."""
    flow.meter.create_histogram("seconds", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)
    flow.pipeline.force_flush(5)
    zero, first = points(backend, "seconds")

    assert (zero.count, zero.sum, list(zero.bucket_counts)) == (0, 0, [0, 0, 0])
    assert list(zero.explicit_bounds) == [1, 2]
    assert first.count == 1


def test_exponential_histograms_begin_empty(flow, backend):
    """So are exponential ones."""
    view = View(instrument_name="seconds", aggregation=ExponentialBucketHistogramAggregation())
    flow.meters._sdk_config.views = (view,)
    flow.meter.create_histogram("seconds").record(1.5)
    flow.pipeline.force_flush(5)
    zero, first = points(backend, "seconds")

    assert (zero.count, list(zero.positive.bucket_counts), first.count) == (0, [], 1)


def test_only_what_accumulates_is_born(flow, backend):
    """Gauges, up-down counters and counters that others observe get no zero."""
    flow.meter.create_up_down_counter("active").add(5)
    flow.meter.create_gauge("level").set(5)
    flow.meter.create_observable_counter("bytes", [lambda _: [Observation(10**9)]])
    flow.pipeline.force_flush(5)

    for name in ("active", "level", "bytes"):
        assert [p.as_int for p in points(backend, name)] in ([5], [10**9])


def test_our_own_observed_counters_are_born(flow, backend):
    """Counters that the engine observes about itself begin with it."""
    flow.pipeline.attach(flow.meters)
    flow.span()
    flow.pipeline.force_flush(5)
    flow.pipeline.force_flush(5)

    found = points(backend, "otel.sdk.exporter.span.exported")
    assert [p.as_int for p in found][:2] == [0, 0]


def test_delta_needs_no_zero(build, base, backend, monkeypatch):
    """Delta points count by themselves."""
    identity = Taken()
    monkeypatch.setattr(
        "tests.delivery.conftest.build_pipeline", lambda s: build_pipeline(s, identity=identity)
    )
    flow = build(base, delay=60, metric_temporality="delta")
    flow.meter.create_counter("orders").add(1)
    flow.pipeline.force_flush(5)

    assert [p.as_int for p in points(backend, "orders")] == [1]


def test_a_zero_survives_an_outage(flow, backend):
    """Later values supersede earlier ones while the backend is away, but never the zero."""
    backend.script += [{"status": 503, "headers": {"Retry-After": "0"}}] * 3
    counter = flow.meter.create_counter("orders")
    for _ in range(4):
        counter.add(1)
        flow.pipeline._engine.collection.run_now(time.monotonic() + 5)
    until(lambda: points(backend, "orders"))
    assert flow.pipeline.force_flush(5)

    values = [p.as_int for p in points(backend, "orders")]
    assert (values[0], values[-1]) == (0, 4)


def test_collections_keep_apart(flow, backend):
    """Flushes that follow each other at once never give two values one millisecond."""
    counter = flow.meter.create_counter("orders")
    for _ in range(5):
        counter.add(1)
        flow.pipeline.force_flush(5)
    times = [p.time_unix_nano // 1_000_000 for p in points(backend, "orders")]

    assert len(times) == 6
    assert sorted(set(times)) == times
