"""The access logs of servers, which keep quiet about what ours tells."""

from __future__ import annotations

import logging
import logging.handlers

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.asgi.server import HttpServer


LOGGERS = ("uvicorn.access", "hypercorn.access", "granian.access", "gunicorn.access")

_UVICORNS = "uvicorn.error"
_OF_WEBSOCKETS = ('%s - "WebSocket %s"', "connection open", "connection closed")
"""How uvicorn's messages begin that tell of a WebSocket, among others of the same logger."""

_FILES = (logging.FileHandler, logging.handlers.SysLogHandler)


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
        path = path_said(record.args)
        if path is not None and self._server.excluded(path.partition("?")[0]):
            return False
        if self._ours:
            _hand_to_files(record)
        return not self._ours


class HandshakeFilter(AccessLogFilter):
    """Keeps back what uvicorn says of WebSockets, beside what else it says."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is written."""
        return not str(record.msg).startswith(_OF_WEBSOCKETS) or super().filter(record)


def _hand_to_files(record: logging.LogRecord) -> None:
    """Have a file or syslog, which a server was told to write its log to, get *record* all the same."""
    for handler in logging.getLogger(record.name).handlers:
        if isinstance(handler, _FILES) and record.levelno >= handler.level:
            handler.handle(record)


def path_said(arguments: Any) -> str | None:
    """Return the path in *arguments* of a line: uvicorn's are a tuple, the others' are named."""
    match arguments:
        case (_, _, str(path), *_) | (_, str(path)) | (_, str(path), int()):
            return path
        case Mapping():
            # hypercorn and gunicorn have the names of Apache's log format, granian its own.
            return arguments.get("U") or arguments.get("path")
    return None


def replace_access_log(server: HttpServer) -> Callable[[], None]:
    """
    Keep back what the access logs of servers repeat, or say of excluded paths; return the undo.

    Also when a server configures its log later.
    """
    # dictConfig replaces handlers and levels, and leaves filters alone.
    requests, handshakes = AccessLogFilter(server), HandshakeFilter(server)
    kept_back = dict.fromkeys(LOGGERS, requests) | {_UVICORNS: handshakes}
    for name, each in kept_back.items():
        logging.getLogger(name).addFilter(each)

    def undo() -> None:
        for name, each in kept_back.items():
            logging.getLogger(name).removeFilter(each)

    return undo
