"""
The ids of the span on every record of stdlib logging, for formats of the application's own.

The names are those of OpenTelemetry's instrumentation of logging, in whose place our chain
is: ``%(otelTraceID)s`` and its kin. They are no names that an application gives as ``extra``.
"""

from __future__ import annotations

import logging

from typing import TYPE_CHECKING, Any

from opentelemetry import trace


if TYPE_CHECKING:
    from collections.abc import Callable


FIELDS = frozenset({"otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName"})


def add_ids(service: str) -> Callable[[], None]:
    """Give each record that is made from now on the ids of its span; return the undo."""
    original = logging.getLogRecordFactory()

    def make(*arguments: Any, **keywords: Any) -> logging.LogRecord:
        record = original(*arguments, **keywords)
        context = trace.get_current_span().get_span_context()
        # "0" outside a span, as there.
        record.otelTraceID = format(context.trace_id, "032x") if context.trace_id else "0"
        record.otelSpanID = format(context.span_id, "016x") if context.span_id else "0"
        record.otelTraceSampled = context.trace_flags.sampled
        record.otelServiceName = service
        return record

    logging.setLogRecordFactory(make)

    def undo() -> None:
        # Another factory may have been put around ours.
        if logging.getLogRecordFactory() is make:
            logging.setLogRecordFactory(original)

    return undo
