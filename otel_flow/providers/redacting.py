"""Processors that an application adds, behind the policy: they are handed no secrets."""

from __future__ import annotations

import copy

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import SpanProcessor

from otel_flow.delivery.pace import step
from otel_flow.redaction.signals import redacted_metrics, redacted_parts, redacted_span


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from otel_flow.redaction import Redaction


class RedactingSpanProcessor(SpanProcessor):
    """Hands *processor* ended spans without secrets, and open ones to add to."""

    def __init__(self, processor: SpanProcessor, redaction: Redaction) -> None:
        self._processor = processor
        self._redaction = redaction

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Pass on *span*, which is still being written."""
        self._processor.on_start(span, parent_context)

    def _on_ending(self, span: Span) -> None:
        self._processor._on_ending(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on *span* without secrets."""
        self._processor.on_end(redacted_span(span, self._redaction))

    def shutdown(self) -> None:
        """Stop the processor."""
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the processor deliver what it holds."""
        return self._processor.force_flush(timeout_millis)


class RedactingLogRecordProcessor(LogRecordProcessor):
    """Hands *processor* log records without secrets; what it adds reaches those after it."""

    def __init__(self, processor: LogRecordProcessor, redaction: Redaction) -> None:
        self._processor = processor
        self._redaction = redaction

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Pass on *log_record* without secrets."""
        parts = redacted_parts(log_record.log_record, self._redaction)
        if parts is None:
            self._processor.on_emit(log_record)
            return
        masked = copy.copy(log_record)
        masked.log_record = parts
        before = dict(parts.attributes or {})
        self._processor.on_emit(masked)
        for name, value in (parts.attributes or {}).items():
            if before.get(name) is not value:
                log_record.log_record.attributes[name] = value  # type: ignore[index]

    def shutdown(self) -> None:
        """Stop the processor."""
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the processor deliver what it holds."""
        return self._processor.force_flush(timeout_millis)


class RedactingCollection:
    """What readers collect from: *collect* of the SDK's consumer, without secrets."""

    def __init__(self, collect: Callable[..., MetricsData | None], redaction: Redaction) -> None:
        self.__self__: Any = collect.__self__  # type: ignore[attr-defined]
        self._collect = collect
        self._redaction = redaction.with_steps(lambda: step)

    def __call__(self, reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        """Return what *reader* is to export."""
        data = self._collect(reader, timeout_millis=timeout_millis)
        return data and redacted_metrics(data, self._redaction, step)
