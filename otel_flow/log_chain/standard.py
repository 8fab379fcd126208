"""The bridge from stdlib logging: its records go through the same chain."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import re
import sys

from typing import TYPE_CHECKING, Any, Protocol

from otel_flow.log_chain.ids import FIELDS
from otel_flow.log_chain.levels import StandardLevels
from otel_flow.log_chain.reported import is_repetition
from otel_flow.log_chain.servers import ServerLoggers, follow_servers
from otel_flow.log_chain.setups import follow_setups
from otel_flow.log_chain.values import text


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict

    from otel_flow.log_chain.levels import Levels


_NOT_EXPORTED = ("opentelemetry", "otel_flow.delivery")
"""Telemetry's own loggers: what they say goes to the console, never into an exporter."""

_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
    "_logger",
    "_name",
    *FIELDS,
}


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


_KEPT_AS = {key: f"fields.{key}" for key in ("event", "level", "logger")}
"""What `extra` may call like a field of ours, and how it is kept; `attributes_of` has the others."""


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
    """
    Return *record* as an event dictionary; fields that `extra` added become keys.

    Without the colours that some write into their messages, as Flask's server does.
    """
    try:
        message = record.getMessage()
    except Exception:
        # Arguments that do not fit the format are the caller's mistake; show both.
        message = f"{text(record.msg)} {text(record.args)}"
    if "\x1b" in message:
        message = _COLOURS.sub("", message)
    extra = {
        _KEPT_AS.get(key, key): value
        for key, value in vars(record).items()
        if key not in _RECORD_FIELDS
    }
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


class Handle(Protocol):
    """What takes stdlib's records."""

    def __call__(self, record: logging.LogRecord, *, export: bool, show: bool) -> None:
        """Export and show *record*, as asked."""


class BridgeHandler(logging.Handler):
    """
    Hands every stdlib record to *handle*, with whether it is to be exported and shown.

    It is shown where no other handler prints. Nothing raises into the code that logs.
    """

    def __init__(self, handle: Handle, show_line: Callable[[str], None]) -> None:
        super().__init__()
        self._take = handle
        self._show_line = show_line
        self.printing = True

    def silent(self) -> BridgeHandler:
        """Return a handler that exports the same and shows nothing."""
        other = BridgeHandler(self._take, self._show_line)
        other.printing = False
        return other

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
        show = self.printing and not _is_shown_elsewhere(record)
        export = not record.name.startswith(_NOT_EXPORTED) and not any(
            is_elsewhere(record) for is_elsewhere in _elsewhere
        )
        self._take(record, export=export, show=show)


_elsewhere: list[Callable[[logging.LogRecord], bool]] = []


def exported_elsewhere(is_elsewhere: Callable[[logging.LogRecord], bool]) -> Callable[[], None]:
    """Do not export records of which *is_elsewhere* says that somebody else does; return the undo."""
    _elsewhere.append(is_elsewhere)
    return lambda: _elsewhere.remove(is_elsewhere)


_installed: list[Bridge] = []


def reattach() -> None:
    """Put the handler back after something else has set up logging."""
    for bridge in _installed:
        bridge.attach()


class Bridge:
    """The handler on the root logger and on loggers that do not propagate, and its undo."""

    def __init__(self, handler: BridgeHandler, levels: Levels) -> None:
        self._handler = handler
        self._beside = handler.silent()
        """Where a logger that does not propagate has handlers of its own, which show what they want."""
        self._levels = levels
        self._standard = StandardLevels(levels)
        self._servers = ServerLoggers()

    def install(self) -> Callable[[], None]:
        """Attach the handler, now and after whatever sets up logging; return the undo."""
        if not logging.getLogger().handlers:
            self._standard.set(None, self._levels.default)
        self.attach()
        _installed.append(self)
        undo_setups = follow_setups(self._detached)
        undo_servers = follow_servers(self.attach)

        def undo() -> None:
            _installed.remove(self)
            undo_servers()
            undo_setups()
            self._detach()
            self._servers.restore()
            self._standard.restore()

        return undo

    def set_level(self, logger: str | None) -> None:
        """Give the stdlib logger the level that was just set, None for the root logger."""
        level = self._levels.default if logger is None else self._levels.own[logger]
        self._standard.set(logger, level)

    @contextlib.contextmanager
    def _detached(self) -> Iterator[None]:
        """Keep the handler away while another set-up looks whether there are any."""
        self._detach()
        try:
            yield
        finally:
            self.attach()

    def attach(self) -> None:
        """Attach the handler wherever records end, and keep servers from printing them."""
        self._detach()
        root = logging.getLogger()
        self._handler.printing = not root.handlers
        self._servers.share()
        self._servers.redirect()
        root.addHandler(self._handler)
        for logger in _unpropagated():
            logger.addHandler(self._beside)
        for logger in _loggers():
            # dictConfig and fileConfig silence what they do not name.
            if logger.name.startswith("otel_flow"):
                logger.disabled = False
        self._standard.apply()

    def _detach(self) -> None:
        for logger in (logging.getLogger(), *_loggers()):
            logger.removeHandler(self._handler)
            logger.removeHandler(self._beside)


def _loggers() -> list[logging.Logger]:
    found = list(logging.Logger.manager.loggerDict.values())
    return [logger for logger in found if isinstance(logger, logging.Logger)]


def _is_shown_elsewhere(record: logging.LogRecord) -> bool:
    """Return whether another handler that *record* passes on its way prints it."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        for handler in logger.handlers:
            if _prints(handler):
                return True
        logger = logger.parent if logger.propagate else None
    return False


def _prints(handler: logging.Handler) -> bool:
    """Return whether *handler* writes on the console, itself or through those behind its queue."""
    stream = getattr(handler, "stream", None)
    if stream is None:
        return isinstance(handler, logging.handlers.QueueHandler)
    return stream is sys.stdout or stream is sys.stderr


def _unpropagated() -> list[logging.Logger]:
    return [
        logger
        for logger in _loggers()
        if not logger.propagate and logger.handlers and not logger.name.startswith(_NOT_EXPORTED)
    ]
