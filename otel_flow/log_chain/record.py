"""From an event dictionary to one OpenTelemetry log record."""

from __future__ import annotations

import sys
import time

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry._logs import LogRecord, SeverityNumber

from otel_flow.log_chain.exceptions import exception_attributes, exception_info, stacktrace
from otel_flow.log_chain.values import plain, text


if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from opentelemetry._logs import Logger
    from opentelemetry.sdk._logs import LoggerProvider
    from structlog.typing import EventDict


SEVERITIES = {
    "notset": (SeverityNumber.UNSPECIFIED, "NOTSET"),
    "debug": (SeverityNumber.DEBUG, "DEBUG"),
    "info": (SeverityNumber.INFO, "INFO"),
    "warn": (SeverityNumber.WARN, "WARN"),
    "warning": (SeverityNumber.WARN, "WARN"),
    "error": (SeverityNumber.ERROR, "ERROR"),
    "exception": (SeverityNumber.ERROR, "ERROR"),
    "critical": (SeverityNumber.FATAL, "FATAL"),
    "fatal": (SeverityNumber.FATAL, "FATAL"),
}
"""structlog's and logging's level names → OpenTelemetry's severity."""

_NOT_ATTRIBUTES = frozenset(
    {
        "event",
        "level",
        "logger",
        "timestamp",
        "exc_info",
        "exception",
        "stack_info",
        "trace_id",
        "span_id",
        "service",
        "version",
        "environment",
        "_record",
        "_from_structlog",
    }
)
"""Keys that have a field of their own in a log record or in its resource."""

_LOGGING_MODULES = ("structlog", "logging", "otel_flow.log_chain")


class Clock:
    """Nanoseconds since the epoch, strictly increasing: Loki collapses entries that are equal."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Return the time, at least one nanosecond after the last one returned."""
        self._last = now = max(time.time_ns(), self._last + 1)
        return now


class RecordEmitter:
    """Emits log records, one SDK logger a scope, kept."""

    def __init__(self, provider: LoggerProvider, clock: Clock) -> None:
        self._provider = provider
        self._clock = clock
        self._loggers: dict[str, Logger] = {}

    def emit(self, event_dict: EventDict, level: str, code: Mapping[str, Any]) -> None:
        """
        Emit the record of *event_dict*; it is not changed.

        Suppressed where instrumentation is, so that an exporter's own log lines
        do not feed it.
        """
        if otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY):
            return
        number, severity = SEVERITIES.get(level, (SeverityNumber.UNSPECIFIED, level.upper()))
        now = self._clock.now()
        self._logger(text(event_dict.get("logger") or "")).emit(
            LogRecord(
                timestamp=now,
                observed_timestamp=now,
                severity_number=number,
                severity_text=severity,
                body=plain(event_dict.get("event")),
                attributes={**_attributes(event_dict), **code},
                event_name=event_dict.get("event.name"),
            )
        )

    def _logger(self, name: str) -> Logger:
        logger = self._loggers.get(name)
        if logger is None:
            if len(self._loggers) >= _MAX_LOGGERS:
                self._loggers.clear()
            logger = self._loggers[name] = self._provider.get_logger(name or "otel_flow")
        return logger


_MAX_LOGGERS = 1000
"""Loggers are named by code; a name made of data must not fill the memory."""


def _attributes(event_dict: EventDict) -> dict[str, Any]:
    attributes = {
        text(key): plain(value)
        for key, value in event_dict.items()
        if key not in _NOT_ATTRIBUTES and value is not None
    }
    info = exception_info(event_dict.get("exc_info"))
    if info is not None:
        attributes |= exception_attributes(info, stacktrace(info))
    elif "exception" in event_dict:
        attributes["exception.stacktrace"] = plain(event_dict["exception"])
    if event_dict.get("stack_info"):
        attributes["code.stacktrace"] = text(event_dict["stack_info"])
    return attributes


def caller() -> dict[str, Any]:
    """Return ``code.*`` of the frame that wrote the event (semantic conventions: code)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_LOGGING_MODULES):
        frame = frame.f_back
    if frame is None:
        return {}
    return {
        "code.file.path": frame.f_code.co_filename,
        "code.function.name": frame.f_code.co_qualname,
        "code.line.number": frame.f_lineno,
    }
