"""A tracer of the SDK that starts lean spans where our pipeline alone consumes them."""

from __future__ import annotations

import functools
import threading

from random import getrandbits
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace._tracer_metrics import NoOpTracerMetrics
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import DEFAULT_TRACE_STATE, TraceState

from otel_flow.providers.active import SPAN_KEY, current_context, span_context_in
from otel_flow.providers.bounds import Bounds
from otel_flow.providers.current import CurrentSpan
from otel_flow.providers.decisions import decider
from otel_flow.providers.prepared import Prepared
from otel_flow.providers.span import UNSET, FlowSpan
from otel_flow.providers.span_queue import SpanQueue


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

    from otel_flow.providers.prepared import Starter


_INTERNAL = SpanKind.INTERNAL
_FLAGS = tuple(TraceFlags(bits) for bits in range(4))
"""Those that a span can begin with: bit 1 is sampled, bit 2 is a random trace id."""
_SAMPLED, _RANDOM = TraceFlags.SAMPLED, TraceFlags.RANDOM_TRACE_ID

# Made without the SDK's constructors: one counts links and locks, the other checks ids.
_new_span: Any = object.__new__
_new_context: Any = tuple.__new__


class FlowTracer(Tracer):
    """The SDK's tracer; what is not said here is upstream's."""

    def prepare(self) -> None:
        """Look up once what every span needs."""
        self._bounds = bounds = Bounds(self._span_limits)
        # Where texts are cut to a length, what is prepared is looked at like all else.
        self._prepared = bounds.most if bounds.length is None else -1
        self._decide = decider(self.sampler)
        self._own_ids = type(self.id_generator) is RandomIdGenerator
        self._uncounted = type(self._tracer_metrics) is NoOpTracerMetrics

    def start_span(  # noqa: PLR0917  upstream's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = _INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT002  upstream's signature
        set_status_on_exception: bool = True,  # noqa: FBT002
    ) -> Span:
        """Start a span, as a child of the one in *context*, by default of the current one."""
        way: Any = self.span_processor
        if way.append is None or not self._uncounted or not self._tracer_config.is_enabled:
            return super().start_span(
                name,
                context,
                kind,
                attributes,
                links,
                start_time,
                record_exception,
                set_status_on_exception,
            )
        parent = span_context_in(current_context() if context is None else context)
        if parent is None or not parent[5]:
            parent, (trace_id, flags), state = None, self._new_trace(), DEFAULT_TRACE_STATE
        else:
            trace_id, flags, state = parent[0], parent[3] & _RANDOM, parent[4]
        if (decide := self._decide) is not None:
            recorded = sampled = decide(parent, trace_id)
        else:
            result: Any = self.sampler.should_sample(
                context, trace_id, name, kind, attributes, links or ()
            )
            recorded, sampled = result.decision.is_recording(), result.decision.is_sampled()
            attributes, state = result.attributes, result.trace_state
        own = self._context(trace_id, flags | _SAMPLED if sampled else flags, state)
        if not recorded:
            return NonRecordingSpan(own)
        span: FlowSpan = _new_span(FlowSpan)
        span._name = name
        span._context = own
        span._parent = parent
        span._kind = kind
        span._resource = self.resource
        span._instrumentation_scope = self._instrumentation_scope
        span._sampler = self.sampler
        span._span_processor = way
        span._bounds = self._bounds
        span._record_exception = record_exception
        span._set_status_on_exception = set_status_on_exception
        span._status = UNSET
        span._dropped = 0
        span._events = span._links = ()
        span._open = True
        span._end_time = None
        if type(attributes) is Prepared and sum(map(len, attributes.parts)) <= self._prepared:
            span._attributes = attributes.parts
        else:
            span._attributes = {}
            if attributes:
                span._begin_with(attributes)
        if links:
            span._links = span._new_links(links)
        span._start_time = time_ns() if start_time is None else start_time
        return span

    def starter(self, name: str, kind: SpanKind, attributes: Prepared) -> Starter:
        """Return what starts spans of these; see `starter_of`."""
        bounds, scope, sampler = self._bounds, self._instrumentation_scope, self.sampler
        parts, decide = attributes.parts, self._decide
        is_known = self._uncounted and self._own_ids
        spare = self._prepared - len(attributes)

        def otherwise(context: Context, own: dict[str, Any] | None) -> Span:
            found = attributes if own is None else Prepared(*parts, own)
            return self.start_span(name, context, kind, found)

        def start(context: Context, own: dict[str, Any] | None = None) -> Span:
            way: Any = self.span_processor
            around = context.get(SPAN_KEY)
            if (
                not is_known
                or decide is None
                or type(around) is not FlowSpan
                or way.append is None
                or spare < (0 if own is None else len(own))
                or not self._tracer_config.is_enabled
            ):
                return otherwise(context, own)
            parent: Any = around._context
            trace_id, flags = parent[0], parent[3]
            if not decide(parent, trace_id):
                return otherwise(context, own)
            flags = _FLAGS[flags & _RANDOM | _SAMPLED]
            ids = trace_id, getrandbits(64) or 1, False, flags, parent[4], True
            span: FlowSpan = _new_span(FlowSpan)
            span._name = name
            span._context = _new_context(SpanContext, ids)
            span._parent = parent
            span._kind = kind
            span._resource = self.resource
            span._instrumentation_scope = scope
            span._sampler = sampler
            span._span_processor = way
            span._bounds = bounds
            span._record_exception = span._set_status_on_exception = True
            span._status = UNSET
            span._dropped = 0
            span._events = span._links = ()
            span._open = True
            span._end_time = None
            span._attributes = parts if own is None else (*parts, own)
            span._start_time = time_ns()
            return span

        return start

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0917
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = _INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT002
        set_status_on_exception: bool = True,  # noqa: FBT002
        end_on_exit: bool = True,  # noqa: FBT002
    ) -> CurrentSpan:
        """Return a block, or a decorator, in which a new span is the current one."""
        start = functools.partial(
            self.start_span,
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        return CurrentSpan(
            start, record=record_exception, describe=set_status_on_exception, end=end_on_exit
        )

    def _new_trace(self) -> tuple[int, int]:
        """Return the trace id of a root span, and flag bits that tell whether it is random."""
        if self._own_ids:
            return getrandbits(128) or 1, _RANDOM
        ids = self.id_generator
        return ids.generate_trace_id(), _RANDOM if ids.is_trace_id_random() else 0

    def _context(self, trace_id: int, flags: int, state: TraceState | None) -> SpanContext:
        if self._own_ids:
            state = DEFAULT_TRACE_STATE if state is None else state
            parts = (trace_id, getrandbits(64) or 1, False, _FLAGS[flags], state, True)
            made: SpanContext = _new_context(SpanContext, parts)
            return made
        span_id = self.id_generator.generate_span_id()
        return SpanContext(trace_id, span_id, False, _FLAGS[flags], state)


def adopt(tracer: Any) -> None:
    """Make *tracer*, which the SDK's provider has made, one of ours."""
    # The provider names the class that it makes; what the constructor does stays the SDK's.
    adopted: Any = tracer
    if type(tracer) is Tracer:
        adopted.__class__ = FlowTracer
        adopted.prepare()


def renew_lock() -> None:
    """Replace the lock of all spans, as in a forked child."""
    FlowSpan._lock = threading.RLock()


def probe() -> None:
    """Try out what this module builds on; raises whatever the SDK makes of it."""
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=SpanQueue())
    tracer = provider.get_tracer("probe")
    adopt(tracer)
    ended: list[Any] = []
    links = [Link(SpanContext(1, 2, is_remote=True))]
    provider._active_span_processor.append = ended.append  # type: ignore[union-attr]
    with tracer.start_span("probe", attributes={"at start": 1}, links=links) as span:
        span.set_attribute("later", "2")
        span.add_event("event", {"text": "3"})
        span.record_exception(ValueError())
        child = tracer.start_span("child", set_span_in_context(span))
    (found,) = ended
    provider.shutdown()
    if type(found) is not FlowSpan or type(child) is not FlowSpan:
        raise TypeError("spans are not of our class")
    copy, parent = found._readable_span(), child.parent
    events = [event.name for event in copy.events]
    told = (dict(copy.attributes), events, len(copy.links), copy.status, parent)
    expected = {"at start": 1, "later": "2"}, ["event", "exception"], 1, UNSET, found.context
    if told != expected or found.to_json() != copy.to_json():
        raise ValueError(f"a span became {told}")
