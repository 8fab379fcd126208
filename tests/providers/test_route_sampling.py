"""Which traces are kept by the route that they begin with."""

import pytest

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan as Remote
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, set_span_in_context

from otel_flow.providers.samplers import build_sampler
from otel_flow.settings import Settings


def sampled(shares, path, *, kind=SpanKind.SERVER, context=None, **settings):
    sampler = build_sampler(Settings(route_sampling=shares, **settings))
    trace_id = RandomIdGenerator().generate_trace_id()
    result = sampler.should_sample(context, trace_id, "GET", kind, {"url.path": path})
    return result.decision.is_sampled()


@pytest.mark.parametrize(
    ("route", "path", "matches"),
    [
        ("/items/{item_id}", "/items/17", True),
        ("/items/{item_id}", "/items/17/parts", False),
        ("/items/{item_id}", "/items/", False),
        ("/items/{item_id}", "/v2/items/17", False),
        ("/files/{name:path}", "/files/a/b", True),
        ("/static/*", "/static/a/b.css", True),
        ("*.png", "/logo.png", True),
        ("/a.b", "/aXb", False),
    ],
)
def test_a_route_is_compared_with_the_path(route, path, matches):
    """A parameter stands for one part of a path, a path parameter and a star for any."""
    assert sampled({route: 0}, path) is not matches


def test_the_first_route_that_matches_counts():
    """Routes are tried in their order; what none matches is for the sampler that is named."""
    shares = {"/items/new": 1, "/items/{item_id}": 0}

    assert sampled(shares, "/items/new")
    assert not sampled(shares, "/items/17")
    assert not sampled(shares, "/other", sampler="always_off")


@pytest.mark.parametrize("flag", [TraceFlags.SAMPLED, TraceFlags.DEFAULT])
def test_a_trace_that_has_begun_is_not_decided_anew(flag):
    """The caller's decision holds, whatever share the route has."""
    caller = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(flag))
    context = set_span_in_context(Remote(caller))

    assert sampled({"/items": 0}, "/items", context=context) is bool(flag)
    assert sampled({"/items": 1}, "/items", context=context) is bool(flag)


def test_only_requests_are_decided_by_their_path():
    """A client's request to the same path is none of ours."""
    assert sampled({"/items": 0}, "/items", kind=SpanKind.CLIENT)


def test_a_share_is_kept():
    """Of many traces about the share is kept."""
    kept = sum(sampled({"/items": 0.5}, "/items") for _ in range(1000))

    assert 350 < kept < 650
