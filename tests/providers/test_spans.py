"""Spans that our pipeline alone consumes are the SDK's to everyone who looks at them."""

import asyncio
import os
import threading

import pytest

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from otel_flow.delivery.encoding import span_encoder
from otel_flow.delivery.processors import FlowSpanProcessor
from otel_flow.delivery.queue import ItemQueue
from otel_flow.otlp.constant import Constant
from otel_flow.otlp.receiver.decode import decode
from otel_flow.providers import build_tracer_provider, seams
from otel_flow.providers.prepared import complete, constant, starter_of
from otel_flow.redaction import build_redaction
from otel_flow.settings import LimitSettings, Settings


class Recorded:
    """A tracer provider and what its pipeline was given."""

    def __init__(self, *, sampler=None, redaction=None, processors=(), **settings):
        self.queue = ItemQueue(capacity=10_000, urgent=10_000, drop="oldest", wake=lambda: None)
        own = FlowSpanProcessor(self.queue, flush=lambda timeout: True, timeout=1)
        self.provider = build_tracer_provider(
            Settings(service_name="test", **settings),
            Resource({}),
            span_processors=[*processors, own],
            meter_provider=MeterProvider(shutdown_on_exit=False),
            sampler=sampler,
            redaction=redaction,
        )
        self.tracer = self.provider.get_tracer("test")

    def spans(self):
        return self.queue.take(10_000)


class Watching(SpanProcessor):
    def __init__(self):
        self.started, self.ended = [], []

    def on_start(self, span, parent_context=None):
        self.started.append(span.name)
        span.set_attribute("watched", True)

    def on_end(self, span):
        self.ended.append(span)


def test_a_span_is_one_of_the_sdk():
    """What asks for the SDK's types, or prints a span as JSON, finds what it expects."""
    recorded = Recorded()

    with recorded.tracer.start_as_current_span("work", attributes={"n": 1, "list": [1, 2]}) as span:
        span.set_attribute("text", "x")
        span.add_event("seen")

    assert isinstance(span, Span)
    assert isinstance(span, ReadableSpan)
    (found,) = recorded.spans()
    assert found is span
    assert dict(span.attributes) == {"n": 1, "list": (1, 2), "text": "x"}
    assert [event.name for event in span.events] == ["seen"]
    assert span.instrumentation_scope.name == "test"
    assert '"text": "x"' in span.to_json()


def test_a_block_that_fails_tells_of_it():
    """An exception that leaves a block is the span's, once; what is none, and is expected, is not."""
    recorded = Recorded()
    with pytest.raises(ValueError, match="bad"), recorded.tracer.start_as_current_span("failed"):
        raise ValueError("bad")
    with pytest.raises(Hostile.Error), recorded.tracer.start_as_current_span("hostile"):
        raise Hostile.Error
    with pytest.raises(KeyboardInterrupt), recorded.tracer.start_as_current_span("interrupted"):
        raise KeyboardInterrupt
    quiet = {"record_exception": False, "set_status_on_exception": False, "end_on_exit": False}
    with pytest.raises(KeyError), recorded.tracer.start_as_current_span("quiet", **quiet) as open_:
        raise KeyError

    assert open_.is_recording()
    open_.end()
    assert [
        (span.name, span.status.status_code, len(span.events)) for span in recorded.spans()
    ] == [
        ("failed", StatusCode.ERROR, 1),
        ("hostile", StatusCode.ERROR, 1),
        ("interrupted", StatusCode.UNSET, 0),
        ("quiet", StatusCode.UNSET, 0),
    ]
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_function_can_be_decorated():
    """A decorated function or coroutine function runs in a span of its own, each call anew."""
    recorded = Recorded()

    @recorded.tracer.start_as_current_span("outer")
    async def outer():
        return inner() + inner()

    @recorded.tracer.start_as_current_span("inner")
    def inner():
        return trace.get_current_span().get_span_context().span_id

    total = asyncio.run(outer())

    first, second, around = recorded.spans()
    assert total == first.context.span_id + second.context.span_id
    assert [first.name, second.name, around.name] == ["inner", "inner", "outer"]
    assert first.parent.span_id == second.parent.span_id == around.context.span_id


def test_nothing_changes_after_the_end(caplog):
    """A span that has ended is sent once, as it was then, and the late calls are named."""
    recorded = Recorded()
    span = recorded.tracer.start_span("work", attributes={"n": 1})
    span.end(17)

    span.set_attribute("n", 2)
    span.set_attributes({"m": 2})
    span.add_event("late")
    span.add_link(span.get_span_context())
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    span.end(18)
    span.start()

    (found,) = recorded.spans()
    assert (found.name, dict(found.attributes), found.end_time) == ("work", {"n": 1}, 17)
    assert (found.events, found.links, found.status.status_code) == ((), (), StatusCode.UNSET)
    assert not found.is_recording()
    assert len(caplog.records) == 8


def test_exporters_of_others_behind_our_queues_share_the_span():
    """With a queue for each of two exporters, a span stays lean and reaches both."""
    recorded, other = Recorded(), Recorded()
    recorded.provider.add_span_processor(other.provider._active_span_processor._span_processors[0])

    span = recorded.tracer.start_span("work")
    span.end()

    assert type(span) is seams.span_path().FlowSpan
    assert recorded.spans() == other.spans() == [span]


def test_a_processor_of_the_users_sees_everything():
    """A processor that is there from the beginning sees spans start and changes them."""
    watching = Watching()
    recorded = Recorded(processors=[watching])

    with recorded.tracer.start_as_current_span("work"):
        pass

    (found,) = recorded.spans()
    assert watching.started == ["work"]
    assert [span.name for span in watching.ended] == ["work"]
    assert found.attributes["watched"] is True


def test_a_processor_added_later_sees_what_ends_from_then_on():
    """A processor added at run time sees the end of open spans, and all of later ones."""
    recorded, watching = Recorded(redaction=build_redaction(Settings())), Watching()
    before = recorded.tracer.start_span("before", attributes={"n": 1})
    recorded.provider.add_span_processor(watching)

    before.set_attribute("password", "hunter2")
    before.end()
    recorded.tracer.start_span("after").end()

    assert watching.started == ["after"]
    first, second = watching.ended
    assert (first.name, first.attributes["n"], second.attributes["watched"]) == ("before", 1, True)
    assert "hunter2" not in str(dict(first.attributes))
    assert sorted(span.name for span in recorded.spans()) == ["after", "before"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_span_open_at_a_fork_ends_in_the_parent_only():
    """The child sends its own spans, under the parent's trace, and not the parent's span again."""
    recorded = Recorded()
    with recorded.tracer.start_as_current_span("request") as span:
        with FlowSpanLockHeld():
            child = os.fork()
        if child == 0:
            status = 1
            try:
                with recorded.tracer.start_as_current_span("in the child") as own:
                    own.add_event("needs the lock")
                span.end()
                (found,) = recorded.spans()
                trace_id = span.get_span_context().trace_id
                status = int((found.name, found.context.trace_id) != ("in the child", trace_id))
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    assert [found.name for found in recorded.spans()] == ["request"]


class FlowSpanLockHeld:
    """Has another thread hold the lock that all spans share."""

    def __enter__(self):
        lock = seams.span_path().FlowSpan._lock
        self._go, held = threading.Event(), threading.Event()

        def hold():
            with lock:
                held.set()
                self._go.wait()

        self._thread = threading.Thread(target=hold)
        self._thread.start()
        held.wait()

    def __exit__(self, *_):
        self._go.set()
        self._thread.join()


class Hostile:
    def __str__(self):
        raise OSError

    __repr__ = __str__

    class Error(Exception):
        def __str__(self):
            raise OSError


class HostileMapping(dict):
    def items(self):
        raise KeyError

    values = keys = __iter__ = items


@pytest.mark.parametrize("value", [Hostile(), [Hostile()], {"a": Hostile()}, {1: {}}, object()])
def test_no_value_raises_into_the_application(value):
    """Values whose text cannot be had are recorded as what they are, wherever they are set."""
    recorded = Recorded()

    span = recorded.tracer.start_span("work", attributes={"start": value, "fine": 1})
    span.set_attribute("one", value)
    span.set_attributes({"several": value})
    span.set_attribute("", 1)
    span.set_attribute(7, 1)
    span.add_event("event", {"in event": value})
    span.record_exception(ValueError(value))
    span.end()

    (found,) = recorded.spans()
    assert {"start", "fine", "one", "several"} == set(found.attributes)
    assert found.dropped_attributes == 2
    assert [event.name for event in found.events] == ["event", "exception"]


def test_no_mapping_raises_into_the_application():
    """A mapping that cannot be read costs itself, and not the span."""
    recorded = Recorded()

    span = recorded.tracer.start_span("work", attributes=HostileMapping(a=1))
    span.set_attributes(HostileMapping(a=1))
    span.end()

    assert [found.name for found in recorded.spans()] == ["work"]


@pytest.mark.parametrize("attributes", [None, constant({"prepared": 1})])
def test_threads_that_write_one_span_lose_nothing(attributes):
    """Sixteen threads set attributes and add events on one span and end it: all there, once."""
    recorded = Recorded()
    span = recorded.tracer.start_span("shared", attributes=attributes)
    ready = threading.Barrier(16)

    def write(thread):
        ready.wait()
        for n in range(5):
            span.set_attribute(f"{thread}.{n}", n)
            span.add_event(f"{thread}.{n}")
        ready.wait()
        span.end()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (found,) = recorded.spans()
    expected = {f"{thread}.{n}" for thread in range(16) for n in range(5)}
    assert set(found.attributes) == expected | set(attributes or ())
    assert {event.name for event in found.events} == expected


def test_spans_that_share_attributes_do_not_share_what_is_set():
    """What is set on one of two spans with the same prepared attributes is that span's alone."""
    recorded, shared = Recorded(), constant({"kind": "shared", "n": 1})
    changed, plain = (recorded.tracer.start_span(name, attributes=shared) for name in "ab")

    changed.set_attribute("n", 2)
    changed.set_attributes({"more": True})
    changed.describe("c", Constant({"n": 3}))
    plain.describe("d", Constant({"outcome": "fine"}))
    for span in (changed, plain):
        span.end()

    (chunk,) = span_encoder(None, max_items=None)(recorded.spans(), lambda *_: None)
    told = [(span.name, dict(span.attributes)) for span in decode("traces", chunk.body).spans]
    assert told == [
        ("c", {"kind": "shared", "more": True, "n": 3}),
        ("d", {"kind": "shared", "n": 1, "outcome": "fine"}),
    ]
    assert [dict(span.attributes) for span in (changed, plain)] == [found for _, found in told]
    assert shared == {"kind": "shared", "n": 1}


def test_spans_that_share_attributes_keep_their_names_and_kinds():
    """Attributes that were sent under one name and kind are sent under another one's, too."""
    recorded, shared = Recorded(), constant({"kind": "shared"})
    given = [("a", SpanKind.CLIENT), ("b", SpanKind.CLIENT), ("b", SpanKind.PRODUCER)] * 2
    for name, kind in given:
        starter_of(recorded.tracer, name, kind, shared)(Context()).end()

    (chunk,) = span_encoder(None, max_items=None)(recorded.spans(), lambda *_: None)

    spans = decode("traces", chunk.body).spans
    told = [(span.name, span.kind.upper(), dict(span.attributes)) for span in spans]
    assert told == [(name, kind.name, {"kind": "shared"}) for name, kind in given]


_FIELDS = [
    *("name", "kind", "attributes", "parent", "resource", "status", "events", "links"),
    *("instrumentation_scope", "dropped_attributes", "end_time"),
]


@pytest.mark.parametrize("lean", [True, False])
@pytest.mark.parametrize("sampler", [DEFAULT_ON, ParentBasedTraceIdRatio(0.5), ALWAYS_OFF])
def test_a_span_that_was_prepared_is_as_any_other(lean, sampler):
    """What begins a span of known name, kind and attributes gives what the tracer gives for them."""
    recorded = Recorded(sampler=sampler)
    tracer = recorded.tracer
    if not lean:
        tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("t")
    attributes = constant({"a": 1})
    start = starter_of(tracer, "work", SpanKind.CLIENT, attributes)
    elsewhere = Recorded().tracer.start_span("of another sampler")
    own = tracer.start_span("parent")
    parents = [own, elsewhere, *map(NonRecordingSpan, filter(None, CONTEXTS))]
    contexts = [Context(), *map(set_span_in_context, parents)]

    for context in contexts:
        given = tracer.start_span("work", context, SpanKind.CLIENT, attributes)
        span = start(context)
        own, others = span.get_span_context(), given.get_span_context()
        if trace.get_current_span(context).get_span_context().is_valid:
            assert own[0] == others[0]
            assert own[2:] == others[2:]
            assert type(span) is type(given)
            assert span.is_recording() == given.is_recording()
        assert own.is_valid
        assert own.span_id != others.span_id
        if span.is_recording() and given.is_recording():
            told, expected = ([getattr(s, field) for field in _FIELDS] for s in (span, given))
            assert told == expected
            assert span.start_time >= given.start_time


@pytest.mark.parametrize(
    ("most", "expected", "dropped"),
    [(128, {"a": 1, "b": 2, "own": True}, 0), (2, {"b": 2, "own": True}, 1)],
)
def test_a_prepared_span_has_what_is_its_own(most, expected, dropped):
    """What one span begins with beyond what is prepared is within the limits, and no other's."""
    recorded = Recorded(limits=LimitSettings(span_attribute_count=most))
    start = starter_of(recorded.tracer, "work", SpanKind.CLIENT, constant({"a": 1, "b": 2}))
    context = set_span_in_context(recorded.tracer.start_span("parent"))

    spans = start(context, {"own": True}), start(context)

    assert [dict(span.attributes) for span in spans] == [expected, {"a": 1, "b": 2}]
    assert [span.dropped_attributes for span in spans] == [dropped, 0]


def test_a_prepared_span_is_seen_by_a_processor_that_comes_later():
    """What was looked up once does not pass by a processor that was added after that."""
    recorded, watching = Recorded(), Watching()
    start = starter_of(recorded.tracer, "work", SpanKind.CLIENT, constant({"a": 1}))
    context = set_span_in_context(recorded.tracer.start_span("parent"))
    start(context).end()

    recorded.provider.add_span_processor(watching)
    start(context).end()

    assert watching.started == ["work"]
    assert [dict(span.attributes) for span in watching.ended] == [{"a": 1, "watched": True}]


@pytest.mark.parametrize("lean", [True, False])
@pytest.mark.parametrize("changed", [True, False])
def test_a_span_is_completed_with_several_parts(lean, changed):
    """Prepared parts are added to a lean span and to one of the SDK's, and keep the name; none after the end."""
    tracer = Recorded().tracer if lean else TracerProvider(shutdown_on_exit=False).get_tracer("t")
    span = tracer.start_span("given", attributes=constant({"a": 1}))
    if changed:
        span.set_attribute("own", True)
        span.update_name("renamed")

    complete(span, Constant({"b": 2}), {"c": "3"})
    span.end()
    if lean:
        complete(span, {"late": True})

    assert span.name == ("renamed" if changed else "given")
    own = {"own": True} if changed else {}
    assert dict(span.attributes) == {"a": 1, **own, "b": 2, "c": "3"}


@pytest.mark.parametrize(
    ("limits", "expected", "dropped"),
    [
        ({"span_attribute_count": 2}, {"b": "long", "c": 1}, 1),
        ({"span_attribute_value_length": 3}, {"a": "tex", "b": "lon", "c": 1}, 0),
    ],
)
def test_what_is_prepared_obeys_the_limits(limits, expected, dropped):
    """Prepared attributes are counted and cut as those of anybody, at the start and at the end."""
    recorded = Recorded(limits=LimitSettings(**limits))
    early = recorded.tracer.start_span(
        "early", attributes=constant({"a": "text", "b": "long", "c": 1})
    )
    late = recorded.tracer.start_span("late", attributes=constant({"a": "text", "b": "long"}))

    late.describe("late", Constant({"c": 1}))

    assert [dict(span.attributes) for span in (early, late)] == [expected] * 2
    assert [span.dropped_attributes for span in (early, late)] == [dropped] * 2


def test_threads_at_the_limit_count_what_they_drop():
    """What threads set beyond the limit is dropped and counted, never more and never less."""
    recorded = Recorded()
    span = recorded.tracer.start_span("shared")
    ready = threading.Barrier(16)

    def write(thread):
        ready.wait()
        for n in range(50):
            span.set_attribute(f"{thread}.{n}", n)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(span.attributes) == 128
    assert span.dropped_attributes == 16 * 50 - 128


class Naming(Sampler):
    """Adds an attribute, drops what is called so, and only records what is called so."""

    def should_sample(self, parent_context, trace_id, name, *others, **more):
        decision = {"drop": Decision.DROP, "record": Decision.RECORD_ONLY}.get(
            name, Decision.RECORD_AND_SAMPLE
        )
        return SamplingResult(decision, {"sampled by": "name"})

    def get_description(self):
        return "Naming"


def test_a_sampler_of_the_users_is_asked():
    """A sampler decides by name, and its attributes are the span's."""
    recorded = Recorded(sampler=Naming())
    started = {name: recorded.tracer.start_span(name) for name in ("keep", "drop", "record")}
    for span in started.values():
        span.end()

    assert [(s.name, dict(s.attributes)) for s in recorded.spans()] == [
        ("keep", {"sampled by": "name"})
    ]
    assert isinstance(started["drop"], NonRecordingSpan)
    assert isinstance(started["record"], Span)


CONTEXTS = [
    None,
    *(
        SpanContext(trace_id, 5, remote, TraceFlags(flags))
        for trace_id in (0, 3, 2**127)
        for remote in (False, True)
        for flags in (0, 1, 2, 3)
    ),
]
SAMPLERS = [
    ALWAYS_ON,
    ALWAYS_OFF,
    DEFAULT_ON,
    TraceIdRatioBased(0.3),
    ParentBasedTraceIdRatio(0.3),
    ParentBased(ALWAYS_OFF, local_parent_sampled=TraceIdRatioBased(0.3)),
    ParentBased(ALWAYS_ON, remote_parent_sampled=Naming()),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description())
def test_decisions_are_the_samplers(sampler):
    """Of every kind of parent, a span has the flags, the trace and the state that the SDK gives."""
    upstream = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("test")
    ours = Recorded(sampler=sampler).tracer

    for found in CONTEXTS:
        context = found and set_span_in_context(NonRecordingSpan(found))
        one, other = upstream.start_span("n", context), ours.start_span("n", context)
        if found is None or not found.is_valid:
            assert isinstance(sampler, (TraceIdRatioBased, ParentBasedTraceIdRatio)) or (
                one.get_span_context().trace_flags == other.get_span_context().trace_flags
            )
            continue
        expected, got = one.get_span_context(), other.get_span_context()
        assert got[0] == expected[0]
        assert got[2:] == expected[2:]
        assert one.is_recording() == other.is_recording()


@pytest.fixture
def untried():
    """The seams as they are before the first provider is built."""
    seams.span_path.cache_clear()
    yield
    seams.span_path.cache_clear()


def test_a_missing_seam_is_named_once_and_upstreams_path_taken(untried, monkeypatch, caplog):
    """Where the SDK is not as expected, one warning says so and spans still arrive."""
    monkeypatch.delattr("opentelemetry.sdk.trace.Span._readable_span")
    seams.span_path()
    monkeypatch.undo()
    recorded = Recorded()

    recorded.tracer.start_span("work").end()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "spans are recorded by upstream's own" in caplog.text
    assert [span.name for span in recorded.spans()] == ["work"]


def test_a_scope_has_one_tracer():
    """Asking for a tracer again gives the same one, and other attributes another."""
    provider = Recorded().provider

    assert provider.get_tracer("a", "1") is provider.get_tracer("a", "1")
    assert provider.get_tracer("a", "1") is not provider.get_tracer("a", "2")
    assert provider.get_tracer("a", "1", attributes={"x": 1}) is not provider.get_tracer("a", "1")
    assert trace.get_tracer("a", tracer_provider=provider) is provider.get_tracer("a")
