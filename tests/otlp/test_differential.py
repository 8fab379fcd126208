"""Our encoders beside upstream's on random telemetry: equal after decoding."""

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_flow.otlp import LogEncoder, MetricEncoder, SpanEncoder
from otel_flow.otlp.split import halves
from tests.otlp.decoding import OURS, UPSTREAM, comparable, decoded
from tests.otlp.strategies import collections, log_records, spans


MANY = settings(max_examples=80, deadline=None)
BATCHES = {
    "traces": st.lists(spans, min_size=1, max_size=5),
    "metrics": collections(),
    "logs": st.lists(log_records(), min_size=1, max_size=5),
}
# One encoder for all examples, so that what is remembered is under test too.
ENCODERS = {"traces": SpanEncoder(), "metrics": MetricEncoder(), "logs": LogEncoder()}


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@MANY
@given(random=st.data())
def test_equal_to_upstream(signal, random):
    """What our encoder makes of random telemetry decodes to what upstream's makes of it."""
    batch = random.draw(BATCHES[signal])
    ours = decoded(signal, OURS[signal](batch, ENCODERS[signal]))

    assert comparable(ours) == comparable(UPSTREAM[signal](batch))


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@MANY
@given(random=st.data())
def test_what_is_remembered_changes_nothing(signal, random):
    """An encoder that has seen the batch before gives the same bytes again."""
    batch = random.draw(BATCHES[signal])
    encode = OURS[signal]

    assert encode(batch, ENCODERS[signal]) == encode(batch, ENCODERS[signal])


def items_of(signal, request):
    """Return the spans, records or points in *request*, each with all that surrounds it."""
    group = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}
    scopes = {"traces": "scope_spans", "metrics": "scope_metrics", "logs": "scope_logs"}
    names = {"traces": "spans", "metrics": "metrics", "logs": "log_records"}
    for resource in getattr(request, group[signal]):
        for scope in getattr(resource, scopes[signal]):
            around = comparable(resource.resource), comparable(scope.scope)
            for item in getattr(scope, names[signal]):
                if signal != "metrics":
                    yield *around, comparable(item)
                    continue
                data = getattr(item, item.WhichOneof("data"))
                for point in data.data_points:
                    yield *around, item.name, item.WhichOneof("data"), comparable(point)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@MANY
@given(random=st.data())
def test_split_and_joined(signal, random):
    """Both halves of a request, and both of two requests joined, hold the same items in their order."""
    encoded = OURS[signal](random.draw(BATCHES[signal]), ENCODERS[signal])
    items = list(items_of(signal, decoded(signal, encoded)))
    first, rest = halves(encoded, signal, len(items))

    found = [list(items_of(signal, decoded(signal, half))) for half in (first, rest)]
    assert found == [items[: len(items) // 2], items[len(items) // 2 :]]
    assert list(items_of(signal, decoded(signal, first + rest))) == items
