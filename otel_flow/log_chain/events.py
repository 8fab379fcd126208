"""One pass over an event: from what was logged to its record and its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace

from otel_flow.correlation import bound_request_id
from otel_flow.delivery.suppression import SUPPRESSED
from otel_flow.log_chain.composition import attributes_of, body_of, from_baggage
from otel_flow.log_chain.lines import JsonLine, Timestamp
from otel_flow.log_chain.record import Clock
from otel_flow.log_chain.values import text
from otel_flow.redaction.signals import redacted_body


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext
    from structlog.typing import EventDict

    from otel_flow.log_chain.record import RecordEmitter
    from otel_flow.log_chain.severity import Severity
    from otel_flow.redaction import Redaction

    Render = Callable[[Mapping[str, Any]], str]


_NOTHING: dict[str, str] = {}


class Events:
    """
    Makes a record and lines of each event, of the same values, which are redacted once.

    *service* is what every line says of who wrote it. Entries of the baggage that are
    called by *carried* belong to the event. Files get a line of every event from *keep*.
    """

    def __init__(
        self,
        records: RecordEmitter,
        render: Render,
        redaction: Redaction,
        *,
        service: Mapping[str, str],
        carried: Collection[str] = (),
        keep: Callable[[Mapping[str, Any], str], None] | None = None,
    ) -> None:
        self.clock = Clock()
        self.records = records
        self._emit = records.emit
        self._render = render
        self._redaction = redaction
        # An id of ours holds no secret, and is like no other: searching it finds nothing, and
        # remembering it makes the redaction forget what comes again. A policy may be about its name.
        example = {"request_id": "0" * 32}
        self._masks_ids = redaction.attributes(example) is not example
        self.service = dict(service)
        self._carried = frozenset(carried)
        self._keep = keep
        self.timestamp = Timestamp()
        # Of the span that was last: a request writes more than one line. Set at once, for threads.
        self._ids: tuple[SpanContext | None, dict[str, str]] = None, {}
        self.is_simple = (
            isinstance(render, JsonLine)
            and keep is None
            and not self._carried
            and not self._masks_ids
        )
        """Whether an event of plain values, none a secret, needs nothing but its line of JSON and record."""

    def log(
        self,
        name: str,
        severity: Severity,
        event: EventDict,
        code: Mapping[str, Any],
        *,
        export: bool = True,
        show: bool = True,
    ) -> str:
        """Emit the record of *event*, unless *export* says no; return its line if it is to *show*."""
        attributes = attributes_of(event, own=True)
        return self._pass(
            name, severity, body_of(event), attributes, code, export=export, show=show
        )[0]

    def log_masked(  # noqa: PLR0917 - called once a request, from one place
        self,
        name: str,
        severity: Severity,
        said: str,
        attributes: dict[str, Any],
        span: SpanContext,
        context: Context,
        *,
        has_request: bool,
    ) -> str | None:
        """
        Do as `log` for an event in *span* and *context* that holds no secret, and return its line.

        Without a request of its own, *has_request*, it has the trace's id for it. None, with
        nothing done, where there is more to it: no span, a baggage to be read, an id to be masked.
        """
        if self._carried or self._masks_ids or not span.trace_id:
            return None
        ids = self._ids_of(span)
        if not has_request:
            attributes["request_id"] = ids["trace_id"]
        return self._write(name, severity, said, attributes, ids, span, context)

    def join(
        self,
        name: str,
        severity: Severity,
        body: Any,
        attributes: dict[str, Any],
        code: Mapping[str, Any],
    ) -> tuple[Any, Mapping[str, Any], Mapping[str, str]]:
        """Emit the record of an event that is shown elsewhere; return body and attributes, masked, and ids."""
        return self._pass(name, severity, body, attributes, code, export=True, show=False)[1:]

    def _pass(
        self,
        name: str,
        severity: Severity,
        body: Any,
        attributes: dict[str, Any],
        code: Mapping[str, Any],
        *,
        export: bool,
        show: bool,
    ) -> tuple[str, Any, Mapping[str, Any], Mapping[str, str]]:
        context = otel_context.get_current()
        span = trace.get_current_span(context).get_span_context()
        ids = self._correlate(attributes, span, context)
        redaction = self._redaction
        shown: Any = redaction.attributes(attributes)
        if ids and "request_id" not in attributes:
            # Our own dict, or the copy that the redaction has made of it.
            shown["request_id"] = ids["trace_id"]
        said = redaction.text(body) if type(body) is str else redacted_body(body, redaction)
        everything = {**shown, **code}
        line = self._write(
            name, severity, said, everything, ids, span, context, export=export, show=show
        )
        return line, said, shown, ids

    def _write(  # noqa: PLR0917 - called once an event
        self,
        name: str,
        severity: Severity,
        said: Any,
        attributes: dict[str, Any],
        ids: Mapping[str, str],
        span: SpanContext,
        context: Context,
        *,
        export: bool = True,
        show: bool = True,
    ) -> str:
        now = self.clock.now()
        # Where instrumentation is suppressed an exporter is at work: its lines must not feed it.
        if export and SUPPRESSED not in context:
            self._emit(name, now, severity, said, attributes, span, context)
        keep = self._keep
        if not show and keep is None:
            return ""
        fields = {"timestamp": self.timestamp(now), "level": severity.level, "event": said}
        if name:
            fields["logger"] = name
        fields |= self.service
        fields |= ids
        fields |= attributes
        line = self._rendered(fields) if show else ""
        if keep is not None:
            keep(fields, line)
        return line

    def _rendered(self, fields: dict[str, Any]) -> str:
        # The record is on its way: from here on nothing may make the event begin anew.
        try:
            return self._render(fields)
        except Exception:
            return text(fields)

    def _correlate(
        self, attributes: dict[str, Any], span: SpanContext, context: Context
    ) -> Mapping[str, str]:
        """Add a request's own id and what the baggage carries; return the ids of the span."""
        if self._carried:
            for key, value in from_baggage(context, self._carried).items():
                attributes.setdefault(key, value)
        request = bound_request_id()
        if not span.trace_id:
            if request is not None:
                attributes.setdefault("request_id", request)
            return _NOTHING
        ids = self._ids_of(span)
        if request is not None or self._masks_ids:
            attributes.setdefault("request_id", request or ids["trace_id"])
        return ids

    def _ids_of(self, span: SpanContext) -> Mapping[str, str]:
        known = self._ids
        if known[0] is not span:
            ids = {
                "trace_id": format(span.trace_id, "032x"),
                "span_id": format(span.span_id, "016x"),
            }
            self._ids = known = span, ids
        return known[1]
