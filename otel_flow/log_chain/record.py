"""From the parts of an event to one OpenTelemetry log record."""

from __future__ import annotations

import threading

from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_flow.otlp.records import LogEvent


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.trace import SpanContext

    from otel_flow.log_chain.severity import Severity


_MAX_SCOPES = 1000
"""Loggers are named by code; a name made of data must not fill the memory."""
_STEP = 1000


class Clock:
    """
    Nanoseconds since the epoch that grow by a microsecond at least, the line's resolution.

    Loki collapses entries that are equal, and backends order by time alone.
    """

    def __init__(self) -> None:
        self._last = 0
        self.renew()

    def renew(self) -> None:
        """Take a fresh lock: the old one may have been held when the process was forked."""
        # One that a signal handler can take while the thread it interrupts holds it.
        self._lock = threading.RLock()

    def now(self) -> int:
        """Return the time, at least one microsecond after the last one returned."""
        with self._lock:
            now = time_ns()
            least = self._last + _STEP
            # max() is a call.
            if now < least:  # noqa: PLR1730
                now = least
            self._last = now
        return now


class RecordEmitter:
    """
    Emits log records to a provider, which names them by the logger.

    Where only our engine waits for them they take the short way to its queue, as a
    `LogEvent`; any other processor gets the SDK's own record.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        self.provider = provider
        self._scopes: dict[str, InstrumentationScope] = {}

    def emit(  # noqa: PLR0917 - called once an event, from one place
        self,
        name: str,
        now: int,
        severity: Severity,
        body: Any,
        attributes: Mapping[str, Any],
        span: SpanContext,
        context: Context,
    ) -> None:
        """Emit the record of an event that the logger *name* wrote; nothing of it is changed."""
        take = getattr(self.provider, "take", None)
        if take is None:
            self._emit(name, now, severity, body, attributes, context)
            return
        take(
            LogEvent(
                scope=self.scope(name),
                timestamp=now,
                observed_timestamp=now,
                severity_number=severity.number,
                severity_text=severity.text,
                body=body,
                attributes=attributes,
                trace_id=span.trace_id,
                span_id=span.span_id,
                trace_flags=span.trace_flags,
                event_name=attributes.get("event.name"),
            )
        )

    def scope(self, name: str) -> InstrumentationScope:
        """Return the scope of what the logger *name* writes."""
        scope = self._scopes.get(name)
        if scope is None:
            if len(self._scopes) >= _MAX_SCOPES:
                self._scopes.clear()
            scope = self._scopes[name] = InstrumentationScope(name or "otel_flow")
        return scope

    def _emit(  # noqa: PLR0917 - as above
        self,
        name: str,
        now: int,
        severity: Severity,
        body: Any,
        attributes: Mapping[str, Any],
        context: Context,
    ) -> None:
        self.provider.get_logger(name or "otel_flow").emit(
            LogRecord(
                timestamp=now,
                observed_timestamp=now,
                context=context,
                severity_number=SeverityNumber(severity.number),
                severity_text=severity.text,
                body=body,
                attributes=dict(attributes),
                event_name=attributes.get("event.name"),
            )
        )
