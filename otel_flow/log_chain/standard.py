"""The bridge from stdlib logging: its records go through the same chain."""

from __future__ import annotations

import logging
import logging.config

from typing import TYPE_CHECKING, Any

from otel_flow.log_chain.reported import is_repetition
from otel_flow.log_chain.values import text


if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict


_NOT_EXPORTED = ("opentelemetry", "otel_flow.delivery")
"""Telemetry's own loggers: what they say goes to the console, never into an exporter."""

_SERVER_LOGGERS = ("uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi")
"""Loggers that a server gives handlers of its own; they propagate to ours instead."""

_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
    "_logger",
    "_name",
}


class Emitted(str):
    """The text of an event whose record is exported already; stdlib logging keeps its identity."""

    __slots__ = ()


def mark_emitted(_logger: Any, _name: str, rendered: Any) -> Any:
    """Mark what the renderer returned, so that the bridge does not export it once more."""
    if isinstance(rendered, str):
        return Emitted(rendered)
    if isinstance(rendered, dict) and isinstance(rendered.get("msg"), str):
        rendered["msg"] = Emitted(rendered["msg"])
    return rendered


def event_of(record: logging.LogRecord) -> EventDict:
    """Return *record* as an event dictionary; fields that `extra` added become keys."""
    try:
        message = record.getMessage()
    except Exception:
        # Arguments that do not fit the format are the caller's mistake; show both.
        message = f"{text(record.msg)} {text(record.args)}"
    extra = {key: value for key, value in vars(record).items() if key not in _RECORD_FIELDS}
    if record.name.startswith("celery."):
        # What the message was made of: arguments of the task and its result among it.
        extra.pop("data", None)
    event: EventDict = {**extra, "event": message, "logger": record.name}
    event["level"] = record.levelname.lower()
    if record.exc_info:
        event["exc_info"] = record.exc_info
    if record.stack_info:
        event["stack_info"] = record.stack_info
    return event


def code_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return ``code.*`` of the line that logged *record*."""
    return {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
    }


class BridgeHandler(logging.Handler):
    """
    Hands every stdlib record to *export* and, where no other handler prints, to *show*.

    Neither can raise into the code that logs.
    """

    def __init__(
        self,
        export: Callable[[EventDict, dict[str, Any]], None],
        show: Callable[[EventDict], None],
        show_line: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._export = export
        self._show = show
        self._show_line = show_line
        self.printing = True

    def emit(self, record: logging.LogRecord) -> None:
        """Export and show *record*, once each."""
        try:
            self._handle(record)
        except Exception:
            self.handleError(record)

    def _handle(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, Emitted):
            if self.printing:
                self._show_line(str(record.msg))
            return
        if isinstance(record.msg, dict) and hasattr(record, "_logger"):
            return
        if is_repetition(record):
            return
        event = event_of(record)
        if not record.name.startswith(_NOT_EXPORTED):
            self._export(dict(event), code_of(record))
        if self.printing:
            self._show(event)


_installed: list[Bridge] = []


def reattach() -> None:
    """Put the handler back after something else has set up logging."""
    for bridge in _installed:
        bridge.attach()


class Bridge:
    """The handler on the root logger and on loggers that do not propagate, and its undo."""

    def __init__(self, handler: BridgeHandler, level: int) -> None:
        self._handler = handler
        self._level = level
        self._root_level: int | None = None

    def install(self) -> None:
        """Attach the handler, now and after every ``dictConfig``."""
        root = logging.getLogger()
        if not root.handlers:
            self._root_level = root.level
            root.setLevel(self._level)
        self.attach()
        _installed.append(self)
        self._configure = logging.config.DictConfigurator.configure
        original = self._configure

        def configure(configurator: Any) -> None:
            original(configurator)
            self.attach()

        logging.config.DictConfigurator.configure = configure  # type: ignore[method-assign, assignment]

    def attach(self) -> None:
        """Attach the handler wherever records end, and keep servers from printing them."""
        root = logging.getLogger()
        self._handler.printing = not any(h is not self._handler for h in root.handlers)
        for name in _SERVER_LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers = [h for h in logger.handlers if not _is_console(h)]
            if not logger.handlers:
                logger.propagate = True
        for logger in (root, *_unpropagated()):
            if self._handler not in logger.handlers:
                logger.addHandler(self._handler)

    def uninstall(self) -> None:
        """Detach the handler everywhere and restore what was changed."""
        _installed.remove(self)
        logging.config.DictConfigurator.configure = self._configure  # type: ignore[method-assign]
        for logger in (logging.getLogger(), *_unpropagated()):
            logger.removeHandler(self._handler)
        if self._root_level is not None:
            logging.getLogger().setLevel(self._root_level)


def _is_console(handler: logging.Handler) -> bool:
    return type(handler) is logging.StreamHandler


def _unpropagated() -> list[logging.Logger]:
    found = list(logging.Logger.manager.loggerDict.values())
    return [
        logger
        for logger in found
        if isinstance(logger, logging.Logger)
        and not logger.propagate
        and logger.handlers
        and not logger.name.startswith(_NOT_EXPORTED)
    ]
