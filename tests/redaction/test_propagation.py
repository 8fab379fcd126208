"""The way of the context to other services, beside the SDK's propagators."""

import hypothesis
import hypothesis.strategies as st
import pytest

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_flow.redaction import build_redaction
from otel_flow.redaction.propagation import RedactingPropagator
from otel_flow.settings import Settings


UPSTREAM = [TraceContextTextMapPropagator(), W3CBaggagePropagator()]
SETS = st.sampled_from([UPSTREAM, UPSTREAM[:1], UPSTREAM[1:], UPSTREAM[::-1], []])

ODD = (
    "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    "",
    "nonsense",
)
TRACEPARENTS = st.from_regex(r"\A0[01]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?\Z")
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "traceparent": TRACEPARENTS | st.sampled_from(ODD),
        "tracestate": st.sampled_from(["", "a=1,b=2", "not one"]),
        "baggage": st.sampled_from(["", "plan=gold", "plan=gold,tenant=acme"]),
    },
)
CONTEXTS = st.builds(
    lambda trace_id, span_id, flags, state: SpanContext(
        trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags), trace_state=state
    ),
    st.sampled_from([0, 1, 2**128 - 1]),
    st.sampled_from([0, 1, 2**64 - 1]),
    st.integers(0, 255),
    st.sampled_from([None, TraceState([("a", "1")])]),
)


def told(context):
    """What a context says: its span, all that travels of that, its baggage."""
    found = trace.get_current_span(context).get_span_context()
    state = found.trace_state.to_header()
    return tuple(found)[:4], state, type(context), dict(baggage.get_all(context))


def assert_read_alike(propagators, headers, context):
    ours = RedactingPropagator(propagators, build_redaction(Settings()))
    expected = CompositePropagator(propagators).extract(headers, context)
    for _ in range(2):
        found = ours.extract(headers, context)

        if expected is None:
            assert found is None
        else:
            assert told(found) == told(expected)
            assert found.get("own") == expected.get("own")


@hypothesis.given(SETS, HEADERS, st.sampled_from([None, Context({"own": 1})]))
def test_headers_are_read_as_by_the_sdk(propagators, headers, context):
    """Whatever arrives, the context is the one that the SDK's propagators make of it."""
    assert_read_alike(propagators, headers, context)


@pytest.mark.parametrize("traceparent", ODD)
def test_what_is_not_well_formed_is_read_as_by_the_sdk(traceparent):
    """Ids of zeros, capitals, spaces and other versions mean what they mean to the SDK."""
    assert_read_alike(UPSTREAM, {"traceparent": traceparent}, Context({"own": 1}))


@hypothesis.given(SETS, CONTEXTS, st.booleans())
def test_headers_are_written_as_by_the_sdk(propagators, span_context, with_baggage):
    """Whatever is current, the headers are those that the SDK's propagators write."""
    context = trace.set_span_in_context(NonRecordingSpan(span_context), Context())
    if with_baggage:
        context = baggage.set_baggage("plan", "gold", context)
    found, expected = {}, {}

    RedactingPropagator(propagators, build_redaction(Settings())).inject(found, context)
    CompositePropagator(propagators).inject(expected, context)

    assert found == expected
