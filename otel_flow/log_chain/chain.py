"""Putting the chain together: what events of structlog, of logging and of ours pass."""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.log_chain.code import Callers
from otel_flow.log_chain.composition import with_context
from otel_flow.log_chain.events import Events
from otel_flow.log_chain.file import RotatingFile
from otel_flow.log_chain.foreign import Foreign
from otel_flow.log_chain.hooks import install_hooks
from otel_flow.log_chain.ids import add_ids
from otel_flow.log_chain.levels import Levels, build_wrapper_class
from otel_flow.log_chain.lines import JsonLine, build_renderer
from otel_flow.log_chain.record import RecordEmitter
from otel_flow.log_chain.recurring import RecurringEvent
from otel_flow.log_chain.severity import severity_of_name, severity_of_number
from otel_flow.log_chain.short import ShortWay
from otel_flow.log_chain.standard import Bridge, BridgeHandler, Emitted, event_of
from otel_flow.log_chain.structlog_defaults import Defaults, install_defaults
from otel_flow.log_chain.values import text
from otel_flow.log_chain.writer import LineLoggerFactory, LineWriter
from otel_flow.names.logs import FAILURE
from otel_flow.process.fork import on_fork
from otel_flow.process.locks import renew_locks
from otel_flow.redaction import build_redaction


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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

_logger = logging.getLogger("otel_flow.delivery")


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
        self.levels = Levels(settings.log_level, settings.log_levels)
        self._redaction = redaction
        self._callers = Callers(redaction)
        self._file = _file(settings)
        render = build_renderer(settings.log_format, sys.stdout, settings.trace_url_template)
        self._is_json = isinstance(render, JsonLine)
        self._json = render if isinstance(render, JsonLine) else JsonLine()
        found = {key: resource.attributes.get(name) for key, name in _SERVICE.items()}
        self._service = {key: str(value) for key, value in found.items() if value}
        self._events = Events(
            RecordEmitter(provider),
            render,
            redaction,
            service=self._service,
            carried=settings.log_context_baggage,
            keep=None if self._file is None else self._keep,
        )
        self._bridge = Bridge(BridgeHandler(self._of_standard, self.writer.write), self.levels)
        self._processors: list[Any] = []
        self._undos: list[Callable[[], None]] = []

    def install(self) -> None:
        """Make this the default chain of structlog and of stdlib logging."""
        processor = self._of_structlog
        processors = self._processors = [processor]
        short = ShortWay(
            processors,
            processor,
            events=self._events,
            callers=self._callers,
            redaction=self._redaction,
        )
        defaults = Defaults(
            processors=processors,
            foreign=Foreign(self._events, self._callers, self._redaction),
            wrapper_class=build_wrapper_class(self.levels, short),
            logger_factory=LineLoggerFactory(self.writer),
        )
        self._undos = [
            on_fork(child=self._renew),
            install_defaults(defaults),
            self._bridge.install(),
            add_ids(self._service.get("service", "")),
            # For people the traceback on stderr is there already.
            install_hooks(functools.partial(self.write, show=self._is_json)),
        ]

    def uninstall(self) -> None:
        """Restore structlog and stdlib logging as they were."""
        while self._undos:
            self._undos.pop()()
        if self._file is not None:
            self._file.close()

    def set_level(self, level: str, logger: str | None = None) -> None:
        """
        Set the *level* of *logger*, of structlog and of stdlib logging, None for all without own.

        Raises `ValueError` for a level that does not exist.
        """
        self.levels.set(level, logger)
        self._bridge.set_level(logger)

    def is_logged(self, level: int, logger: str | None) -> bool:
        """Return whether events of *logger* at *level*, logging's number, are logged."""
        return level >= self.levels[logger]

    def recurring(self, logger: str, level: str, said: str) -> RecurringEvent:
        """Return the event *said* of *logger*, for those who write it with every request."""
        return RecurringEvent(
            logger,
            level,
            said,
            events=self._events,
            levels=self.levels,
            redaction=self._redaction,
            is_ours=self._is_alone,
            write=self.writer.write,
        )

    def _is_alone(self) -> bool:
        """Return whether structlog's loggers have nothing but our processor, and are ours."""
        processors = self._processors
        return (
            bool(self._undos)
            and not structlog.is_configured()
            and len(processors) == 1
            and processors[0] == self._of_structlog
        )

    def write(self, event: EventDict, *, show: bool = True) -> None:
        """
        Write *event* as one line and one record, past every level and the application's chain.

        Without *show* there is a record only.
        """
        try:
            severity = severity_of_name(str(event.get("level", "info")))
            name = str(event.get("logger") or "")
            code = {} if "code.file.path" in event else self._callers.current()
            line = self._events.log(name, severity, with_context(dict(event)), code, show=show)
        except Exception as error:
            line = self._stumbled("", "info", event.get("event"), error, show=show)
        if show:
            self.writer.write(line)

    def _of_structlog(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        """Be the one processor of structlog's loggers."""
        try:
            name = event.get("logger") or getattr(logger, "name", None) or ""
            if "level" in event:
                event["fields.level"] = event.pop("level")
            if event.get("stack_info") is True:
                event["stack_info"] = self._callers.stack()
            with_context(event)
            severity = severity_of_name(method)
            line = self._events.log(str(name), severity, event, self._callers.current())
        except Exception as error:
            name = getattr(logger, "name", None) or ""
            line = self._stumbled(name, method, event.get("event"), error)
        # An application may have set stdlib's loggers and nothing else.
        return Emitted(line) if isinstance(logger, logging.Logger) else line

    def _of_standard(self, record: logging.LogRecord, *, export: bool, show: bool) -> None:
        severity = severity_of_number(record.levelno, record.levelname)
        options = {"export": export, "show": show}
        try:
            event = with_context(event_of(record))
            code = self._callers.of_record(record)
            line = self._events.log(record.name, severity, event, code, **options)
        except Exception as error:
            level = severity.level
            line = self._stumbled(record.name, level, record.msg, error, **options)
        if show:
            self.writer.write(line)

    def _stumbled(
        self,
        name: str,
        level: str,
        said: Any,
        error: Exception,
        *,
        export: bool = True,
        show: bool = True,
    ) -> str:
        """Emit what is left of an event, its text and the reason, and return its line."""
        # Whatever telemetry stumbles over must reach neither the caller nor hide the event.
        _logger.debug("an event was not exported as it is: %s", text(error))
        bare = {"event": text(said), FAILURE.name: type(error).__name__}
        try:
            severity = severity_of_name(level)
            return self._events.log(name, severity, bare, {}, export=export, show=show)
        except Exception:
            return self._redaction.text(text(said))

    def _keep(self, fields: Mapping[str, Any], line: str) -> None:
        if self._file is not None:
            self._file.write(line if line and self._is_json else self._json(fields))

    def _renew(self) -> None:
        if self._file is not None:
            self._file.renew()
        self.writer.renew()
        self._events.clock.renew()
        # structlog's own loggers share one for each file.
        renew_locks(*getattr(structlog._output, "WRITE_LOCKS", {}).values())


def _file(settings: Settings) -> RotatingFile | None:
    if not settings.log_file:
        return None
    return RotatingFile(
        settings.log_file, size=settings.log_file_bytes, backups=settings.log_file_backups
    )


def build_log_chain(
    settings: Settings,
    resource: Resource,
    provider: LoggerProvider,
    redaction: Redaction | None = None,
) -> LogChain:
    """
    Return the chain that writes as *settings* say and emits to *provider*; nothing is installed.

    Lines and records pass *redaction*, by default the settings'.
    """
    if redaction is None:
        redaction = build_redaction(settings)
    return LogChain(settings, resource, provider, redaction)
