"""What the SDK's providers call: processors that append to the engine's queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from otel_flow.delivery.queue import ItemQueue


class FlowSpanProcessor(SpanProcessor):
    """Queues every sampled span that ends, by `on_end`, or by `take` where it is known to be one."""

    def __init__(self, queue: ItemQueue, *, flush: Callable[[float], bool], timeout: float) -> None:
        self.take = queue.append
        self._flush = flush
        self._timeout = timeout

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue *span* where it is sampled."""
        # The property of the SDK costs more than all the rest.
        try:
            context = span._context
        except AttributeError:
            context = span.context
        if context is not None and context.trace_flags & 1:
            self.take(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what is queued; see `Pipeline.force_flush`."""
        return self._flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what is queued; the engine itself is stopped by its pipeline."""
        self._flush(self._timeout)


class FlowLogRecordProcessor(LogRecordProcessor):
    """Queues every log record, the SDK's by `on_emit` and those of our log chain by `take`."""

    def __init__(self, queue: ItemQueue, *, flush: Callable[[float], bool], timeout: float) -> None:
        self.take = queue.append
        self._flush = flush
        self._timeout = timeout

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue *log_record*."""
        self.take(log_record)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what is queued; see `Pipeline.force_flush`."""
        return self._flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what is queued; the engine itself is stopped by its pipeline."""
        self._flush(self._timeout)
