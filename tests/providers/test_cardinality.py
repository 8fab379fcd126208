"""However many attribute sets an application makes, a metric stays small."""

import logging
import tracemalloc

import pytest

from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otel_flow.providers import build_meter_provider
from otel_flow.providers.bound import bind
from otel_flow.providers.views import LimitedView
from otel_flow.settings import Settings


def build(reader, *, views=(), **settings):
    return build_meter_provider(
        Settings(service_name="test", **settings),
        Resource({}),
        metric_readers=[reader],
        views=views,
    ).get_meter("test")


def values(reader):
    (metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return {tuple(point.attributes.items()): point.value for point in metric.data.data_points}


OVERFLOW = (("otel.metric.overflow", True),)


def test_what_exceeds_the_limit_is_one_series():
    """At most the limit of attribute sets is kept, the rest is added up as overflow."""
    reader = InMemoryMetricReader()
    counter = build(reader, cardinality_limit=3).create_counter("c")

    for user in range(10):
        counter.add(1, {"user": user})
    counter.add(1, {"user": 0})

    assert values(reader) == {
        (("user", 0),): 2,
        (("user", 1),): 1,
        (("user", 2),): 1,
        OVERFLOW: 7,
    }


def test_as_many_as_the_limit_do_not_overflow():
    """Exactly the limit of attribute sets is no overflow."""
    reader = InMemoryMetricReader()
    counter = build(reader, cardinality_limit=3).create_counter("c")

    for user in range(3):
        counter.add(1, {"user": user})

    assert OVERFLOW not in values(reader)


def test_handles_are_counted_too():
    """Bound and unbound attribute sets share one limit."""
    reader = InMemoryMetricReader()
    counter = build(reader, cardinality_limit=2).create_counter("c")

    counter.add(1, {"user": "a"})
    for user in ("b", "c", "d"):
        bind(counter, {"user": user}).add(1)

    assert values(reader) == {(("user", "a"),): 1, (("user", "b"),): 1, OVERFLOW: 2}


def test_observed_values_are_limited():
    """What a callback observes beyond the limit is added up as well."""
    reader = InMemoryMetricReader()
    meter = build(reader, cardinality_limit=2)
    meter.create_observable_up_down_counter(
        "o", callbacks=[lambda _: [Observation(1, {"n": n}) for n in range(5)]]
    )

    assert values(reader) == {(("n", 0),): 1, (("n", 1),): 1, OVERFLOW: 3}


def test_a_view_has_a_limit_of_its_own():
    """The limit of a view wins over the setting."""
    reader = InMemoryMetricReader()
    view = LimitedView(instrument_name="c", cardinality_limit=1)
    counter = build(reader, views=[view], cardinality_limit=100).create_counter("c")

    for user in range(3):
        counter.add(1, {"user": user})

    assert values(reader) == {(("user", 0),): 1, OVERFLOW: 2}


@pytest.mark.parametrize("limit", [0, -1])
def test_a_view_without_room_is_refused(limit):
    """A limit below 1 is a configuration error."""
    with pytest.raises(ValueError, match="at least 1"):
        LimitedView(instrument_name="c", cardinality_limit=limit)


def test_one_warning_names_instrument_and_attribute(caplog):
    """The first attribute set too many is reported once, with the attribute that explodes."""
    reader = InMemoryMetricReader()
    counter = build(reader, cardinality_limit=5).create_counter("shop.orders")

    with caplog.at_level(logging.WARNING):
        for user in range(20):
            counter.add(1, {"region": "eu" if user % 2 else "us", "user": str(user), "ok": True})

    (record,) = caplog.records
    assert record.getMessage().startswith(
        "shop.orders has more than 5 attribute sets, most of them by the values of user;"
    )


def test_a_hundred_thousand_sets_take_the_memory_of_two_thousand():
    """Beyond the default limit neither series nor memory grow, and no value is lost."""
    reader = InMemoryMetricReader()
    counter = build(reader).create_counter("c")
    for user in range(2_100):
        counter.add(1, {"user": user})
    tracemalloc.start()

    for user in range(2_100, 100_000):
        counter.add(1, {"user": user})
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    found = values(reader)
    assert (len(found), sum(found.values())) == (2_001, 100_000)
    assert grown < 100_000
