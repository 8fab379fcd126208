"""Context on its way to other services: entries of baggage that are secret do not travel."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, Any

from opentelemetry import baggage
from opentelemetry import context as context_api
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import default_getter, default_setter
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.propagators.textmap import CarrierT, Getter, Setter, TextMapPropagator

    from otel_flow.redaction.policy import Redaction


_W3C: Any = (
    (TraceContextTextMapPropagator,),
    (TraceContextTextMapPropagator, W3CBaggagePropagator),
)

# The API gives these keys no public names.
(_SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
(_BAGGAGE_KEY,) = baggage.set_baggage("name", "value", Context())

_PLAIN = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


class RedactingPropagator(CompositePropagator):
    """
    Injects what its propagators inject, of baggage that holds no secrets.

    Where they are W3C's, a ``traceparent`` that travels alone, as most do, is written and
    read without them; everything else, also what is not well formed, is theirs.
    """

    def __init__(self, propagators: Sequence[TextMapPropagator], redaction: Redaction) -> None:
        super().__init__(propagators)
        self._redaction = redaction
        self._knows_them = tuple(map(type, propagators)) in _W3C
        self._fields = super().fields
        self._last: tuple[str, Span] = "", INVALID_SPAN
        """The ``traceparent`` that was read last: of one message it is read twice."""

    @property
    def fields(self) -> set[str]:
        """The headers that may be written."""
        return self._fields

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the context into *carrier*."""
        within = context_api.get_current() if context is None else context
        trace_id, span_id, _, flags, state, is_valid = get_current_span(within).get_span_context()
        if self._knows_them and is_valid and not state and not within.get(_BAGGAGE_KEY):
            setter.set(carrier, "traceparent", f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
        else:
            super().inject(carrier, self._redacted(within), setter)

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return *context* with what *carrier* brings."""
        span = self._alone(carrier, getter) if self._knows_them else None
        if span is None:
            return super().extract(carrier, context, getter)
        return Context({**(context or {}), _SPAN_KEY: span})

    def _alone(self, carrier: CarrierT, getter: Getter[CarrierT]) -> Span | None:
        """Return the span of a ``traceparent`` that is well formed and that nothing goes with."""
        found = getter.get(carrier, "traceparent")
        if not found or getter.get(carrier, "tracestate") or getter.get(carrier, "baggage"):
            return None
        return self._span_of(found[0])

    def context_alone(self, headers: Mapping[str, Any], otherwise: Context) -> Context | None:
        """
        Return *otherwise* with the span of a ``traceparent`` that nothing goes with; else None.

        *headers* are lower-case and may hold values of any type; `extract` reads the others.
        """
        found = headers.get("traceparent")
        if type(found) is not str or "tracestate" in headers or "baggage" in headers:
            return None
        span = self._span_of(found) if self._knows_them else None
        return None if span is None else Context({**otherwise, _SPAN_KEY: span})

    def _span_of(self, traceparent: str) -> Span | None:
        last, span = self._last
        if traceparent == last:
            return span
        match = _PLAIN.fullmatch(traceparent)
        if match is None:
            return None
        trace_id, span_id, flags = (int(digits, 16) for digits in match.groups())
        span = NonRecordingSpan(
            SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
        )
        self._last = traceparent, span
        return span

    def _redacted(self, within: Context) -> Context:
        entries = baggage.get_all(within)
        if not entries:
            return within
        shown = self._redaction.attributes(entries)
        if shown is entries:
            return within
        bare: Any = baggage.clear(within)
        for name, value in shown.items():
            bare = baggage.set_baggage(name, value, bare)
        return bare  # type: ignore[no-any-return]
