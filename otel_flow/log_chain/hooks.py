"""
What ends up on stderr unseen: uncaught exceptions and warnings become one event each.

Whoever had the hooks before is called afterwards. Exceptions that asyncio catches come
through its logger, as those of a server do.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import traceback
import warnings

from typing import TYPE_CHECKING, Any

from otel_flow.log_chain.reported import is_reported, mark_reported
from otel_flow.names.logs import PROCESS_NAME, THREAD_NAME, WARNING_CATEGORY
from otel_flow.process.loading import when_loaded


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType

    Log = Callable[[dict[str, Any]], None]


UNCAUGHT = "otel_flow.uncaught"
"""Logger of uncaught exceptions."""
WARNINGS = "py.warnings"
"""Logger of warnings, the one that ``logging.captureWarnings`` uses."""


def install_hooks(log: Log) -> Callable[[], None]:
    """Hand uncaught exceptions and warnings to *log*; return the undo."""
    undos = [
        _put(sys, "excepthook", _of_main(log, sys.excepthook)),
        _put(threading, "excepthook", _of_threads(log, threading.excepthook)),
        _put(warnings, "showwarning", _of_warnings(log, warnings.showwarning)),
        when_loaded("multiprocessing.process", functools.partial(_patch_children, log=log)),
    ]

    def undo() -> None:
        while undos:
            undos.pop()()

    return undo


def _patch_children(module: ModuleType, *, log: Log) -> Callable[[], None]:
    """Hand *log* what ends a process of multiprocessing, which prints it and calls no hook."""
    process: Any = module.BaseProcess
    original = process._bootstrap

    @functools.wraps(original)
    def _bootstrap(self: Any, *arguments: Any, **keywords: Any) -> Any:
        run = self.run

        def watched() -> None:
            try:
                run()
            except Exception as error:
                _Hook(log, _nothing, _uncaught)(error, "critical", PROCESS_NAME.name, self.name)
                raise

        self.run = watched
        return original(self, *arguments, **keywords)

    process._bootstrap = _bootstrap

    def undo() -> None:
        if process._bootstrap is _bootstrap:
            process._bootstrap = original

    return undo


def _nothing(*_arguments: Any) -> None:
    return None


def _put(owner: Any, name: str, hook: _Hook) -> Callable[[], None]:
    setattr(owner, name, hook)

    def undo() -> None:
        hook.log = None
        # Another hook may have been put over ours, which then only calls the original.
        if getattr(owner, name) is hook:
            setattr(owner, name, hook.original)

    return undo


class _Hook:
    """A hook that logs by *event* of what it is called with, and calls the original."""

    def __init__(
        self,
        log: Log,
        original: Callable[..., Any],
        event: Callable[..., dict[str, Any] | None],
    ) -> None:
        self.log: Log | None = log
        self.original = original
        self._event = event

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        # The process may end by this very exception: nothing may come in its way.
        try:
            event = self._event(*arguments, **keywords) if self.log else None
            if self.log and event is not None:
                self.log(event)
        except Exception:
            logging.getLogger("otel_flow.delivery").debug("a hook stumbled", exc_info=True)
        return self.original(*arguments, **keywords)


def _of_main(log: Log, original: Callable[..., Any]) -> _Hook:
    def event(
        _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> dict[str, Any] | None:
        return _uncaught(error, "critical")

    return _Hook(log, original, event)


def _of_threads(log: Log, original: Callable[..., Any]) -> _Hook:
    def event(arguments: Any) -> dict[str, Any] | None:
        thread = arguments.thread
        named = () if thread is None else (THREAD_NAME.name, thread.name)
        return _uncaught(arguments.exc_value, "error", *named)

    return _Hook(log, original, event)


def _uncaught(error: BaseException | None, level: str, *named: str) -> dict[str, Any] | None:
    """
    Return the event of an exception that nobody caught; none of what ends a program on purpose.

    *named* are an attribute and its value, which tell whom it has ended.
    """
    if not isinstance(error, Exception) or is_reported(error):
        return None
    mark_reported(error)
    event = {"event": "uncaught exception", "level": level, "logger": UNCAUGHT, "exc_info": error}
    if named:
        event[named[0]] = named[1]
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if frames:
        event |= _code(frames[0].filename, frames[0].lineno)
        event["code.function.name"] = frames[0].name
    return event


def _of_warnings(log: Log, original: Callable[..., Any]) -> _Hook:
    def event(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        _line: str | None = None,
    ) -> dict[str, Any] | None:
        # logging.captureWarnings makes records of them, and those come to us.
        if file is not None or original is logging._showwarning:  # type: ignore[attr-defined]
            return None
        return {
            "event": str(message),
            "level": "warning",
            "logger": WARNINGS,
            WARNING_CATEGORY.name: category.__name__,
            **_code(filename, lineno),
        }

    return _Hook(log, original, event)


def _code(path: str, line: int | None) -> dict[str, Any]:
    return {"code.file.path": path, "code.line.number": line}
