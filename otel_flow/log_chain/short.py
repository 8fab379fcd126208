"""The way of events that hold nothing but plain values, which are most: one pass, no copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.correlation import bound_request_id
from otel_flow.delivery.suppression import SUPPRESSED
from otel_flow.log_chain.composition import SPECIAL, VARIABLES, with_context
from otel_flow.log_chain.lines import JsonLine
from otel_flow.log_chain.writer import LineLogger
from otel_flow.otlp.records import LogEvent
from otel_flow.providers.active import current_context, span_context_in
from otel_flow.redaction.keys import Verdict
from otel_flow.redaction.known import ENTRIES, LONGEST
from otel_flow.redaction.nested import SMALLEST_CARD


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext

    from otel_flow.log_chain.code import Callers, Line
    from otel_flow.log_chain.events import Events
    from otel_flow.log_chain.severity import Severity
    from otel_flow.redaction import Redaction


_OWN = SPECIAL | {"code.file.path", "code.line.number", "code.function.name", "event.name"}
_OPEN = frozenset({Verdict.OPEN, Verdict.SAFE})
_new = tuple.__new__
"""What makes a named tuple without a call of Python's."""
_NEITHER = frozenset({bool, type(None)})
_UNKNOWN: Any = object()
_INFINITE = float("inf")


class _Head:
    """What events begin with that one logger writes on one line, and on one level."""

    __slots__ = ("name", "said", "scope", "severity", "text")

    def __init__(
        self, severity: Severity, said: str, name: str, scope: InstrumentationScope, text: str
    ) -> None:
        self.severity = severity
        self.said = said
        self.name = name
        self.scope = scope
        self.text = text
        """From behind the timestamp to the ids."""


class ShortWay:
    """
    Writes events of structlog's loggers, where the chain is ours and there is nothing to redact.

    Line and record are those that `Events` makes; what is alike in all events of a line of code
    is made once. Whatever is not plain, or may be secret, is left to `Events`, untouched.
    """

    def __init__(
        self,
        processors: list[Any],
        processor: Callable[..., Any],
        *,
        events: Events,
        callers: Callers,
        redaction: Redaction,
    ) -> None:
        self.processors = processors
        """The list that is ours, and in it nothing but *processor*."""
        self._chain = processors if events.is_simple else []
        self.processor = processor
        self.kind: type | None = None
        """The class of the loggers."""
        self._provider = events.records.provider
        self._scope = events.records.scope
        self._service = events.service
        self._now = events.clock.now
        self._timestamp = events.timestamp
        self._callers = callers
        self._texts = redaction.texts
        # A dict of their class is subscripted by a method that looks for another one.
        self._found = redaction.texts.get
        self._verdicts = redaction.verdicts
        self._own = _OWN | set(events.service)
        self._plain: set[Any] = set()
        """Keys that are known to be none of our own, and none that can stand before a secret."""
        self._inside = JsonLine().inside
        self._span: tuple[SpanContext | None, str, str] = None, "", ""
        """The span that was last, its ids on the line, and the trace's."""

    def _is_plain(self, key: Any) -> bool:
        """Return whether *key* is one of the plain ones, and remember it."""
        if type(key) is not str or key in self._own or self._verdicts[key] not in _OPEN:
            return False
        # Lone surrogates have no bytes, and raise.
        key.encode()
        if len(self._plain) >= ENTRIES:
            self._plain.clear()
        self._plain.add(key)
        return True

    def takes(
        self, bound: Any, severity: Severity, said: Any, values: dict[str, Any], frame: FrameType
    ) -> bool:
        """Write the event, if it is one of these; return whether it was."""
        logger, chain, context = bound._logger, bound._processors, bound._context
        # structlog.testing exchanges what is in the list.
        if (
            chain is not self._chain
            or len(chain) != 1
            or chain[0] is not self.processor
            or type(logger) is not LineLogger
            or type(bound) is not self.kind
        ):
            return False
        # As everywhere: nothing of telemetry's reaches who logs, nor hides the event.
        try:
            if context:
                values = {**context, **values}
            line = self._written(severity, said, logger.name or "", values, frame)
        except Exception:
            return False
        if line is None:
            return False
        logger.write(line)
        return True

    def _written(
        self, severity: Severity, said: Any, name: str, values: dict[str, Any], frame: FrameType
    ) -> str | None:
        """Emit the record and return the line, None where there is more to it, and nothing is done."""
        # Copies: what takes the other way after all must not have been changed.
        if VARIABLES is None or VARIABLES:
            values = values.copy()
            with_context(values)
        if (request := bound_request_id()) is not None and "request_id" not in values:
            values = {**values, "request_id": request}
        if type(said) is not str or not self._are_clear(values):
            return None
        line = self._callers.line(frame)
        take = getattr(self._provider, "take", None)
        if line is None or take is None:
            return None
        head = line.head
        if head is None or head.said != said or head.severity is not severity or head.name != name:
            head = self._head(line, severity, said, name)
            if head is None:
                return None
        context = current_context()
        span = span_context_in(context)
        trace_id = span_id = flags = 0
        ids = ""
        if span is not None and span[0]:
            trace_id, span_id, _, flags, _, _ = span
            known = self._span
            if known[0] is not span:
                known = self._span = self._ids(span)
            _, ids, trace = known
            values.setdefault("request_id", trace)
        now = self._now()
        if SUPPRESSED not in context:
            parts = values, line.attributes
            number, level = severity.number, severity.text
            of_span = trace_id, span_id, flags
            fields = (head.scope, now, now, number, level, said, parts, *of_span, None, 0)
            take(_new(LogEvent, fields))
        shown = f",{self._inside(values)}" if values else ""
        return f'{{"timestamp":"{self._timestamp(now)}",{head.text}{ids}{shown}{line.end}'

    def _are_clear(self, values: dict[str, Any]) -> bool:  # noqa: C901 - a branch a type
        """Return whether *values* are plain, and none of them a secret or under the name of one."""
        keys, found = self._plain, self._found
        for key, value in values.items():
            if key not in keys and not self._is_plain(key):
                return False
            kind = type(value)
            if kind is str:
                secret = found(value, _UNKNOWN)
                if secret is not None and (
                    secret is not _UNKNOWN or self._texts[value] is not None
                ):
                    return False
                if not value.isascii():
                    value.encode()
            elif kind is int:
                if not -SMALLEST_CARD < value < SMALLEST_CARD:
                    return False
            elif kind is float:
                if not -_INFINITE < value < _INFINITE:
                    return False
            elif kind not in _NEITHER:
                return False
        return True

    def _head(self, line: Line, severity: Severity, said: str, name: str) -> _Head | None:
        if self._texts[said] is not None:
            return None
        fields = {"level": severity.level, "event": said}
        if name:
            fields["logger"] = name
        fields |= self._service
        if line.end is None:
            shown = self._inside(line.attributes)
            line.end = f",{shown}}}" if shown else "}"
        inside = self._inside(fields)
        # Lone surrogates, which only the general way can write.
        inside.encode()
        head = _Head(severity, said, name, self._scope(name), inside)
        if len(said) <= LONGEST:
            line.head = head
        return head

    def _ids(self, span: SpanContext) -> tuple[SpanContext, str, str]:
        trace = format(span.trace_id, "032x")
        return span, f',"trace_id":"{trace}","span_id":"{span.span_id:016x}"', trace
