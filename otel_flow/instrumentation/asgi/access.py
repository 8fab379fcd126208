"""The access logs of servers, which keep quiet about what ours tells."""

from __future__ import annotations

import logging
import logging.handlers

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.asgi.server import HttpServer


LOGGERS = ("uvicorn.access", "hypercorn.access", "granian.access", "gunicorn.access")


_FILES = (logging.FileHandler, logging.handlers.SysLogHandler)


class Said(NamedTuple):
    """What a line of a server's says of a request."""

    path: str | None
    is_handshake: bool
    """Whether it is about a WebSocket, of which our own log has no line."""


class AccessLogFilter(logging.Filter):
    """
    Keeps back a server's lines: those of excluded paths, and all others where ours are written.

    In a process whose applications are not recorded by *server*, or by another one of
    its telemetry, every line is written: there are none of ours.
    """

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self._server = server
        self._ours = server.telemetry.settings.access_log

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is written."""
        if not self._server.metrics.in_use:
            return True
        path, is_handshake = said_of(record.args)
        if path is not None and self._server.excluded(path.partition("?")[0]):
            return False
        if is_handshake or not self._ours:
            return True
        _hand_to_files(record)
        return False


def _hand_to_files(record: logging.LogRecord) -> None:
    """Have a file or syslog, which a server was told to write its log to, get *record* all the same."""
    for handler in logging.getLogger(record.name).handlers:
        if isinstance(handler, _FILES) and record.levelno >= handler.level:
            handler.handle(record)


def said_of(arguments: Any) -> Said:
    """Return what *arguments* of a line say: uvicorn's are a tuple, the others' are named."""
    match arguments:
        case (_, _, str(path), *_):
            return Said(path, is_handshake=False)
        case Mapping():
            # hypercorn and gunicorn have the names of Apache's log format, granian its own.
            named = arguments.get("U") or arguments.get("path")
            scheme = arguments.get("S") or arguments.get("scheme")
            status = arguments.get("s") or arguments.get("status")
            return Said(named, is_handshake=scheme in {"ws", "wss"} or str(status) == "101")
    return Said(None, is_handshake=False)


def replace_access_log(server: HttpServer) -> Callable[[], None]:
    """
    Keep back what the access logs of servers repeat, or say of excluded paths; return the undo.

    Also when a server configures its log later.
    """
    # dictConfig replaces handlers and levels, and leaves filters alone.
    loggers = [logging.getLogger(name) for name in LOGGERS]
    kept_back = AccessLogFilter(server)
    for logger in loggers:
        logger.addFilter(kept_back)

    def undo() -> None:
        for logger in loggers:
            logger.removeFilter(kept_back)

    return undo
