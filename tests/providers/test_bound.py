"""Bound instruments record what the public instruments would, in the same place."""

import logging
import math
import os
import threading

import pytest

from opentelemetry import trace
from opentelemetry.metrics._internal import _ProxyMeter
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
)
from opentelemetry.sdk.metrics.view import (
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_flow.providers import build_meter_provider, seams
from otel_flow.providers.bound import bind
from otel_flow.settings import Settings


ATTRIBUTES = {"http.route": "/items", "code": 200}


def build(*readers, views=(), **settings):
    return build_meter_provider(
        Settings(service_name="test", **settings),
        Resource({}),
        metric_readers=readers,
        views=views,
    )


def points(reader, name):
    data = reader.get_metrics_data()
    if data is None:
        return []
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_a_handle_and_its_instrument_share_a_series():
    """What is recorded through the handle and through the instrument is one point."""
    reader = InMemoryMetricReader()
    meter = build(reader).get_meter("test")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")

    bind(counter, ATTRIBUTES).add(2)
    counter.add(3, ATTRIBUTES)
    bind(histogram, ATTRIBUTES).record(7)
    histogram.record(80, ATTRIBUTES)

    (point,) = points(reader, "c")
    assert (point.value, dict(point.attributes)) == (5, ATTRIBUTES)
    (point,) = points(reader, "h")
    assert (point.count, point.sum, point.min, point.max) == (2, 87, 7, 80)
    assert [n for n, count in enumerate(point.bucket_counts) if count] == [2, 6]


def test_a_series_begins_with_its_first_value():
    """Binding alone makes no point."""
    reader = InMemoryMetricReader()
    counter = build(reader).get_meter("test").create_counter("c")

    handle = bind(counter, ATTRIBUTES)

    assert points(reader, "c") == []
    handle.add(1)
    assert [point.value for point in points(reader, "c")] == [1]


def test_gauges_keep_the_last_value_from_either_side():
    """A gauge has the value that was set last, by handle or by instrument."""
    reader = InMemoryMetricReader()
    gauge = build(reader).get_meter("test").create_gauge("g")
    handle = bind(gauge, {})

    handle.record(5)
    gauge.set(7)

    assert [point.value for point in points(reader, "g")] == [7]
    gauge.set(1)
    handle.record(9)
    assert [point.value for point in points(reader, "g")] == [9]


def test_up_down_counters_go_down():
    """Negative values count where the instrument takes them."""
    reader = InMemoryMetricReader()
    handle = bind(build(reader).get_meter("test").create_up_down_counter("u"), {})

    handle.add(3)
    handle.add(-5)

    assert [point.value for point in points(reader, "u")] == [-2]


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_values_that_the_sdk_ignores_are_ignored(value, caplog):
    """A negative or not finite value is refused with the SDK's own warning."""
    reader = InMemoryMetricReader()
    handle = bind(build(reader).get_meter("test").create_counter("c"), {})
    handle.add(1)

    with caplog.at_level(logging.WARNING):
        handle.add(value)

    assert len(caplog.records) == 1
    assert [point.value for point in points(reader, "c")] == [1]


def test_views_apply():
    """Every view of the instrument gets the value, with its name, keys and aggregation."""
    reader = InMemoryMetricReader()
    views = [
        View(instrument_name="h", name="by_code", attribute_keys={"code"}),
        View(instrument_name="h", name="fine", aggregation=ExponentialBucketHistogramAggregation()),
        View(instrument_name="h", name="last", aggregation=LastValueAggregation()),
    ]
    handle = bind(build(reader, views=views).get_meter("test").create_histogram("h"), ATTRIBUTES)

    handle.record(3)
    handle.record(4)

    (point,) = points(reader, "by_code")
    assert (point.count, dict(point.attributes)) == (2, {"code": 200})
    (point,) = points(reader, "fine")
    assert (point.count, point.sum) == (2, 7)
    (point,) = points(reader, "last")
    assert point.value == 4


def test_delta_temporality_starts_anew_each_time():
    """A reader that prefers deltas gets the values since its last collection, or no point."""
    delta = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    reader = InMemoryMetricReader(preferred_temporality=delta)
    handle = bind(build(reader).get_meter("test").create_counter("c"), {})

    handle.add(1)
    assert [point.value for point in points(reader, "c")] == [1]
    handle.add(5)
    assert [point.value for point in points(reader, "c")] == [5]
    assert points(reader, "c") == []


def test_a_reader_that_comes_later_sees_the_handle():
    """A reader added after the first value gets what is recorded from then on."""
    first, second = InMemoryMetricReader(), InMemoryMetricReader()
    provider = build(first)
    handle = bind(provider.get_meter("test").create_counter("c"), {})
    handle.add(1)

    provider.add_metric_reader(second)
    handle.add(1)

    assert [point.value for point in points(first, "c")] == [2]
    assert [point.value for point in points(second, "c")] == [1]
    provider.remove_metric_reader(second)
    handle.add(1)
    assert [point.value for point in points(first, "c")] == [3]


def test_a_forked_child_counts_from_zero():
    """What a handle holds at a fork stays with the parent, and the child counts its own."""
    reader = InMemoryMetricReader()
    provider = build(reader)
    handle = bind(provider.get_meter("test").create_counter("c"), {})
    handle.add(5)
    receiving, sending = os.pipe()

    child = os.fork()
    if child == 0:
        handle.add(1)
        values = [point.value for point in points(reader, "c")]
        os.write(sending, repr(values).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(receiving, 100) == b"[1]"
    assert [point.value for point in points(reader, "c")] == [5]
    os.close(receiving)
    os.close(sending)


def test_exemplars_carry_the_sampled_span():
    """A value recorded in a sampled span is an exemplar with its ids; one outside is none."""
    reader = InMemoryMetricReader()
    handle = bind(build(reader).get_meter("test").create_histogram("h"), ATTRIBUTES)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    handle.record(1)
    with tracer.start_as_current_span("first"):
        handle.record(3)
    with tracer.start_as_current_span("second") as span:
        handle.record(4)
    with tracer.start_as_current_span("third") as other:
        context = trace.set_span_in_context(other)
    handle.record(20, context)

    (point,) = points(reader, "h")
    assert [(e.value, e.span_id) for e in point.exemplars] == [
        (4, span.get_span_context().span_id),
        (20, other.get_span_context().span_id),
    ]
    assert [e.filtered_attributes for e in point.exemplars] == [{}, {}]


def test_exemplars_keep_the_attributes_that_a_view_drops():
    """Handles that a view throws together keep their own attributes in the exemplars."""
    reader = InMemoryMetricReader()
    views = [View(instrument_name="h", attribute_keys={"code"})]
    histogram = build(reader, views=views).get_meter("test").create_histogram("h")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with tracer.start_as_current_span("span"):
        bind(histogram, {"code": 1, "user": "a"}).record(1)
        bind(histogram, {"code": 1, "user": "b"}).record(20)

    (point,) = points(reader, "h")
    assert [e.filtered_attributes for e in point.exemplars] == [{"user": "a"}, {"user": "b"}]


@pytest.mark.parametrize(
    ("exemplar_filter", "in_span", "expected"),
    [("always_on", False, 1), ("always_off", True, 0), ("trace_based", False, 0)],
)
def test_the_exemplar_filter_decides(exemplar_filter, in_span, expected):
    """The filter of the settings decides which values may become exemplars."""
    reader = InMemoryMetricReader()
    provider = build(reader, exemplar_filter=exemplar_filter)
    handle = bind(provider.get_meter("test").create_counter("c"), {})
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    if in_span:
        with tracer.start_as_current_span("span"):
            handle.add(1)
    else:
        handle.add(1)

    (point,) = points(reader, "c")
    assert len(point.exemplars) == expected


def test_every_value_has_the_same_chance_to_be_a_counters_exemplar():
    """The one place of a counter's reservoir goes to any of its values, however they were folded."""
    reader = InMemoryMetricReader()
    provider = build(reader, exemplar_filter="always_on")
    handle = bind(provider.get_meter("test").create_counter("c"), {})
    chosen = [0] * 4

    for _ in range(400):
        for value in range(100):
            handle.add(value)
        (point,) = points(reader, "c")
        (exemplar,) = point.exemplars
        chosen[int(exemplar.value) // 25] += 1

    # 400 draws of one in four: 57 is five standard deviations below the mean of 100.
    assert min(chosen) > 57


def test_threads_lose_nothing_while_readers_collect():
    """Sixteen threads record through one handle while it is collected; every value counts once."""
    reader = InMemoryMetricReader()
    meter = build(reader).get_meter("test")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    handles = bind(counter, {}), bind(histogram, {})
    done = threading.Event()

    def work():
        for _ in range(2000):
            handles[0].add(1)
            handles[1].record(1)

    def collect():
        while not done.is_set():
            reader.get_metrics_data()

    collector = threading.Thread(target=collect)
    collector.start()
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    collector.join()

    assert [point.value for point in points(reader, "c")] == [32000]
    assert [point.count for point in points(reader, "h")] == [32000]


def test_instruments_of_other_providers_can_be_bound():
    """A handle of the SDK's own provider, or of none, calls the instrument."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)

    bind(provider.get_meter("test").create_counter("c"), ATTRIBUTES).add(2)

    assert [point.value for point in points(reader, "c")] == [2]
    provider.shutdown()


def test_an_instrument_bound_before_configuration_takes_the_short_way_later():
    """A handle of a proxy instrument records as soon as there is a provider."""
    reader = InMemoryMetricReader()
    provider = build(reader)
    meter = _ProxyMeter("test")
    handle = bind(meter.create_counter("c"), {})

    handle.add(1)
    meter.on_set_meter_provider(provider)
    handle.add(2)

    assert [point.value for point in points(reader, "c")] == [2]


def test_a_disabled_meter_records_nothing():
    """A handle of a meter that a configurator has disabled records nothing, from then on."""
    reader = InMemoryMetricReader()
    provider = build(reader)
    handle = bind(provider.get_meter("test").create_counter("c"), {})
    handle.add(1)

    (meter,) = provider._meters.values()
    meter._meter_config.update(type(meter._meter_config._config)(is_enabled=False))
    handle.add(1)

    assert [point.value for point in points(reader, "c")] == [1]


@pytest.fixture
def untried():
    """The seams as they are before the first provider is built."""
    seams.metric_path.cache_clear()
    yield
    seams.metric_path.cache_clear()


def test_a_missing_seam_is_named_once_and_upstreams_path_taken(untried, monkeypatch, caplog):
    """Where the SDK is not as expected, one warning says so and handles still record."""
    monkeypatch.delattr("opentelemetry.sdk.metrics._internal.aggregation._SumAggregation.aggregate")
    seams.metric_path()
    monkeypatch.undo()
    reader = InMemoryMetricReader()

    bind(build(reader).get_meter("test").create_counter("c"), {}).add(1)

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "metrics are recorded by upstream's own" in caplog.text
    assert [point.value for point in points(reader, "c")] == [1]


@pytest.mark.parametrize("kind", [AlwaysOnExemplarFilter, AlwaysOffExemplarFilter])
def test_an_unknown_exemplar_filter_is_asked(kind):
    """A filter of the user's own decides about each value of a handle."""

    class Own(kind):
        asked = 0

        def should_sample(self, *arguments):
            Own.asked += 1
            return super().should_sample(*arguments)

    reader = InMemoryMetricReader()
    provider = build(reader)
    provider._sdk_config.exemplar_filter = Own()
    handle = bind(provider.get_meter("test").create_counter("c"), {})

    handle.add(1)
    handle.add(1)

    assert Own.asked == 2
    (point,) = points(reader, "c")
    assert (point.value, len(point.exemplars)) == (2, int(kind is AlwaysOnExemplarFilter))
