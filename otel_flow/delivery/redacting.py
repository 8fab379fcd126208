"""
Exporters of others behind the policy: what they are given holds no secrets.

Those of metrics need nothing here: their readers collect through the policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.trace.export import SpanExporter

from otel_flow.redaction.signals import redacted_record, redacted_span


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_flow.redaction import Redaction


class RedactingSpanExporter(SpanExporter):
    """Hands *exporter* spans without secrets."""

    def __init__(self, exporter: SpanExporter, redaction: Redaction) -> None:
        self._exporter = exporter
        self._redaction = redaction

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        """Export *spans*."""
        return self._exporter.export([redacted_span(span, self._redaction) for span in spans])

    def shutdown(self) -> None:
        """Stop the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the exporter deliver what it holds."""
        return self._exporter.force_flush(timeout_millis)


class RedactingLogRecordExporter(LogRecordExporter):
    """Hands *exporter* log records without secrets."""

    def __init__(self, exporter: LogRecordExporter, redaction: Redaction) -> None:
        self._exporter = exporter
        self._redaction = redaction

    def export(self, batch: Sequence[ReadableLogRecord]) -> Any:
        """Export *batch*."""
        return self._exporter.export([redacted_record(record, self._redaction) for record in batch])

    def shutdown(self) -> None:
        """Stop the exporter."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the exporter deliver what it holds."""
        return self._exporter.force_flush(timeout_millis)
