"""What of all that arrives somebody wants to see."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING

from otel_flow.otlp.receiver import Batch


if TYPE_CHECKING:
    from otel_flow.demo.story import Trace
    from otel_flow.otlp.receiver import LogRecord, Span


SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
"""Name of a severity → the least number it has (specification: log data model)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    Services, the beginning of a trace id, the least severity, errors; all of them must hold.

    A trace is seen whole if one of its spans or records is wanted.
    """

    services: frozenset[str] = frozenset()
    trace_id: str = ""
    severity: int = 0
    errors: bool = False

    def wants(self, trace: Trace) -> bool:
        """Return whether *trace* is to be seen."""
        if self.services and not (trace.services & self.services):
            return False
        if not trace.trace_id.startswith(self.trace_id):
            return False
        if self.errors and not any(span.status == "error" for span in trace.spans):
            return False
        return not self.severity or any(
            record.severity_number >= self.severity for record in trace.records
        )

    def wants_record(self, record: LogRecord) -> bool:
        """Return whether *record* by itself is to be seen."""
        return (
            self._is_ours(record)
            and record.severity_number >= self.severity
            and (not self.errors or record.severity_number >= SEVERITIES["error"])
        )

    def _wants_span(self, span: Span) -> bool:
        return self._is_ours(span) and not (self.errors and span.status != "error")

    def _is_ours(self, item: Span | LogRecord) -> bool:
        wanted = not self.services or item.source.service in self.services
        return wanted and item.trace_id.startswith(self.trace_id)

    def of(self, batch: Batch) -> Batch:
        """Return what of *batch* is to be seen item by item; points have no trace to go by."""
        return Batch(
            spans=() if self.severity else tuple(filter(self._wants_span, batch.spans)),
            points=tuple(
                point
                for point in batch.points
                if not (self.trace_id or self.severity or self.errors)
                and (not self.services or point.source.service in self.services)
            ),
            records=tuple(filter(self.wants_record, batch.records)),
        )
