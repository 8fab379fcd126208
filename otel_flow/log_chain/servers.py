"""
The loggers of servers: what they print themselves goes through the chain instead.

A server gives its loggers console handlers of its own making when it starts, before us or
after us, and gunicorn once more at every reload. Those are taken off, and the records
propagate to ours; what a user has asked of the server, a file, syslog or a whole
configuration of logging, stays as it is.
"""

from __future__ import annotations

import functools
import logging

from typing import TYPE_CHECKING, Any

from otel_flow.process.loading import when_loaded


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Undo = Callable[[], None]


_LOGGERS = (
    *("uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi"),
    *("gunicorn.error", "gunicorn.access"),
    *("hypercorn.error", "hypercorn.access"),
    *("_granian", "granian.access"),
)

_FORMATS = {
    "hypercorn": {"%(asctime)s [%(process)d] [%(levelname)s] %(message)s"},
    "_granian": {"[%(levelname)s] %(message)s"},
    "granian": {"%(message)s"},
}
"""What the console handlers show that a server makes, where nothing else tells them apart."""


class ServerLoggers:
    """The loggers of all servers, without the consoles that the servers gave them."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[bool, list[logging.Handler]]] = {}
        """Name → whether it propagated, and the handlers that it had."""

    def redirect(self) -> None:
        """Have records propagate that the servers would print."""
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            own = [handler for handler in logger.handlers if _is_made_by_server(handler, name)]
            if not own:
                continue
            self._taken.setdefault(name, (logger.propagate, own))
            logger.handlers = [handler for handler in logger.handlers if handler not in own]
            logger.propagate = True

    def share(self) -> None:
        """Have uvicorn's records go where gunicorn's go, where its worker gave them one list of handlers."""
        for part in ("error", "access"):
            ours = logging.getLogger(f"uvicorn.{part}")
            theirs = logging.getLogger(f"gunicorn.{part}")
            if ours.handlers is theirs.handlers:
                ours.propagate = theirs.propagate

    def restore(self) -> None:
        """Give the loggers back what was taken."""
        while self._taken:
            name, (propagate, handlers) = self._taken.popitem()
            logger = logging.getLogger(name)
            logger.propagate = propagate
            for handler in handlers:
                logger.addHandler(handler)


def _is_made_by_server(handler: logging.Handler, name: str) -> bool:
    if type(handler) is not logging.StreamHandler:
        return False
    formatter = handler.formatter
    return (
        getattr(handler, "_gunicorn", False)
        or type(formatter).__module__.partition(".")[0] == "uvicorn"
        or getattr(formatter, "_fmt", None) in _FORMATS.get(name.partition(".")[0], ())
    )


def follow_servers(attach: Callable[[], None]) -> Undo:
    """Call *attach* whenever a server has set up its loggers; return the undo."""
    undos = [
        when_loaded(module, functools.partial(_wrap, path, attach=attach, first=first))
        for module, path, first in _SETUPS
    ]

    def undo() -> None:
        for each in undos:
            each()

    return undo


_SETUPS = (
    ("gunicorn.glogging", "Logger.__init__", False),
    # Again at a reload, and by a class of loggers that calls it late.
    ("gunicorn.glogging", "Logger.setup", False),
    # uvicorn's worker hands gunicorn's handlers to uvicorn when it is made.
    ("gunicorn.workers.base", "Worker.init_process", True),
    ("hypercorn.logging", "Logger.__init__", False),
)
"""Module, method, and whether ours comes first: a worker's process ends in it."""


def _wrap(path: str, module: ModuleType, *, attach: Callable[[], None], first: bool) -> Undo:
    kind, name = path.split(".")
    owner: Any = getattr(module, kind)
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(*arguments: Any, **keywords: Any) -> Any:
        if first:
            attach()
        try:
            return original(*arguments, **keywords)
        finally:
            if not first:
                attach()

    setattr(owner, name, method)

    def undo() -> None:
        if getattr(owner, name) is method:
            setattr(owner, name, original)

    return undo
