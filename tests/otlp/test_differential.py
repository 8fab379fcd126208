"""Our encoders beside upstream's on random telemetry: equal after decoding."""

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_flow.otlp import LogEncoder, MetricEncoder, SpanEncoder
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
