"""Putting the chain together: pure data here, applied by bootstrap."""

from __future__ import annotations

import logging
import sys

from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.correlation import add_trace_context
from otel_flow.log_chain.lines import LineLoggerFactory, LineWriter, build_renderer, utc_timestamp
from otel_flow.log_chain.record import Clock, RecordEmitter, caller
from otel_flow.log_chain.redacted import RedactedEvents
from otel_flow.log_chain.standard import Bridge, BridgeHandler, mark_emitted
from otel_flow.log_chain.structlog_defaults import Defaults, install_defaults
from otel_flow.redaction import build_redaction


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.resources import Resource
    from structlog.typing import EventDict, WrappedLogger

    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


_SERVICE = {
    "service": "service.name",
    "version": "service.version",
    "environment": "deployment.environment.name",
}
"""Key of the line → attribute of the resource."""


class LogChain:
    """The chain of one configuration; `install` and `uninstall` belong to bootstrap."""

    def __init__(
        self,
        settings: Settings,
        resource: Resource,
        provider: LoggerProvider,
        redaction: Redaction,
    ) -> None:
        self.writer = LineWriter()
        self._emitter = RecordEmitter(provider, Clock())
        self._render = build_renderer(settings.log_format, sys.stdout, redaction)
        self._redacted = RedactedEvents(redaction)
        found = {key: resource.attributes.get(name) for key, name in _SERVICE.items()}
        self._service = {key: value for key, value in found.items() if value}
        self._level = logging.getLevelNamesMapping()[settings.log_level.upper()]
        handler = BridgeHandler(self._export_standard, self._show_standard, self.writer.write)
        self._bridge = Bridge(handler, self._level)
        self._undo_defaults: Callable[[], None] | None = None

    def install(self) -> None:
        """Make this the default chain of structlog and of stdlib logging."""
        self._undo_defaults = install_defaults(
            Defaults(
                processors=self._own_processors(),
                joining=[add_trace_context, self.export, self._redacted.values],
                last=self._redacted.finish,
                wrapper_class=structlog.make_filtering_bound_logger(self._level),
                logger_factory=LineLoggerFactory(self.writer),
            )
        )
        self._bridge.install()

    def uninstall(self) -> None:
        """Restore structlog and stdlib logging as they were."""
        self._bridge.uninstall()
        if self._undo_defaults is not None:
            self._undo_defaults()

    def _own_processors(self) -> list[Any]:
        return [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_logger_name,
            self._complete,
            self.export,
            self._render,
            mark_emitted,
        ]

    def _complete(self, _logger: WrappedLogger, _name: str, event_dict: EventDict) -> EventDict:
        """Add what every event carries: time, service and the ids of its request."""
        event_dict.setdefault("timestamp", utc_timestamp())
        for key, value in self._service.items():
            event_dict.setdefault(key, value)
        return add_trace_context(_logger, _name, event_dict)

    def export(self, logger: WrappedLogger, name: str, event_dict: EventDict) -> EventDict:
        """Emit the record of an event; whatever goes wrong, the event's line is still written."""
        try:
            event = {"logger": getattr(logger, "name", None), **event_dict}
            self._emitter.emit(event, str(event_dict.get("level") or name), caller())
        except Exception:
            logging.getLogger("otel_flow.delivery").debug(
                "a record was not exported", exc_info=True
            )
        return event_dict

    def write(self, event: EventDict) -> None:
        """Write *event* as one line and one record, past every level and the application's chain."""
        try:
            event = structlog.contextvars.merge_contextvars(None, "", event)
            self._emitter.emit(add_trace_context(None, "", dict(event)), event["level"], caller())
            self.writer.write(self._render(None, "", self._complete(None, "", event)))
        except Exception:
            logging.getLogger("otel_flow.delivery").debug("an event was lost", exc_info=True)

    def _export_standard(self, event: EventDict, code: dict[str, Any]) -> None:
        event = structlog.contextvars.merge_contextvars(None, "", event)
        self._emitter.emit(add_trace_context(None, "", event), event["level"], code)

    def _show_standard(self, event: EventDict) -> None:
        merged = structlog.contextvars.merge_contextvars(None, "", event)
        self.writer.write(self._render(None, "", self._complete(None, "", merged)))


def _add_logger_name(logger: WrappedLogger, _name: str, event_dict: EventDict) -> EventDict:
    name = getattr(logger, "name", None)
    if name:
        event_dict.setdefault("logger", name)
    return event_dict


def build_log_chain(
    settings: Settings,
    resource: Resource,
    provider: LoggerProvider,
    redaction: Redaction | None = None,
) -> LogChain:
    """
    Return the chain that writes as *settings* say and emits to *provider*; nothing is installed.

    Its lines pass *redaction*, by default the settings'; records do so on their way out.
    """
    if redaction is None:
        redaction = build_redaction(settings)
    return LogChain(settings, resource, provider, redaction)
