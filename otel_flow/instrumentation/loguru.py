"""
loguru: what it logs becomes one record an event, with the ids of its span.

loguru goes on printing as the application has set it up. Its texts and extras are handed
to every sink without secrets and with the ids, so that a format or ``serialize`` can show
them. Where messages are handed on to stdlib logging, or come from there, each is one record.
"""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

import loguru

from otel_flow import telemetry as running
from otel_flow.correlation import add_trace_context
from otel_flow.log_chain.standard import BridgeHandler, exported_elsewhere


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from otel_flow.telemetry import Telemetry


TARGETS: tuple[type, ...] = ()

_LOGGER: Any = loguru.logger
_IDS = ("trace_id", "span_id", "request_id")
_ON_THE_WAY = 4
"""Frames between loguru and the stdlib logger whose record a handler has handed on."""
_LEVELS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (10, "debug"))
_NAMES = {"TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"}

_undos: list[Callable[[], None]] = []


def instrument(target: None = None, *, telemetry: Telemetry | None = None) -> Callable[[], None]:
    """Make records of what loguru logs; return the undo. There is nothing to pass as *target*."""
    del target
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    if not _undos:
        joined = _Joined(telemetry)
        joined.join()
        _undos.extend(
            [
                _after("remove", joined.join),
                _after("configure", joined.join),
                exported_elsewhere(_comes_from_loguru),
                # Last, so that it is undone first.
                joined.leave,
            ]
        )
    return uninstrument


def uninstrument(target: None = None) -> None:
    """Leave loguru as it was."""
    del target
    while _undos:
        _undos.pop()()


class _Joined:
    """Our sink and our patcher among those of the application."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._core = _LOGGER._core
        self._sink: int | None = None
        self._patcher: Callable[[Any], None] | None = None
        self._theirs: Callable[[Any], None] | None = None

    def join(self) -> None:
        """Add what an application has taken away by removing all sinks, or by a patcher of its own."""
        if self._sink not in self._core.handlers:
            self._sink = _LOGGER.add(
                self._write, level=0, format="{message}", filter=self._is_logged, catch=True
            )
        if self._core.patcher is not self._patcher or self._patcher is None:
            self._theirs = self._core.patcher
            self._patcher = functools.partial(self._patch, self._theirs)
            self._core.patcher = self._patcher

    def leave(self) -> None:
        """Take sink and patcher away."""
        sink, self._sink = self._sink, None
        if self._core.patcher is self._patcher:
            self._core.patcher = self._theirs
        if sink in self._core.handlers:
            _REMOVE(_LOGGER, sink)

    def _is_logged(self, record: Any) -> bool:
        return self._telemetry.is_logged(record["level"].no, record["name"])

    def _patch(self, theirs: Callable[[Any], None] | None, record: Any) -> None:
        if theirs is not None:
            theirs(record)
        redaction = self._telemetry.redaction
        record["message"] = redaction.text(record["message"])
        extra = dict(redaction.attributes(record["extra"]))
        record["extra"] = dict(add_trace_context(None, "", extra))

    def _write(self, message: Any) -> None:
        record = message.record
        if _comes_from_logging():
            return
        event: dict[str, Any] = {
            **{key: value for key, value in record["extra"].items() if key not in _IDS},
            "event": record["message"],
            "level": _level(record["level"]),
            "logger": record["name"],
            "code.file.path": record["file"].path,
            "code.line.number": record["line"],
            "code.function.name": f"{record['name']}.{record['function']}",
        }
        if record["exception"] is not None:
            event["exc_info"] = tuple(record["exception"])
        self._telemetry.log(event, show=False)


_REMOVE = type(_LOGGER).remove


def _level(level: Any) -> str:
    if level.name in _NAMES:
        return str(level.name.lower())
    return next((name for least, name in _LEVELS if level.no >= least), "trace")


def _after(name: str, then: Callable[[], None]) -> Callable[[], None]:
    """Call *then* after each call of loguru's method *name*; return the undo."""
    kind: Any = type(_LOGGER)
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return original(self, *arguments, **keywords)
        finally:
            then()

    setattr(kind, name, method)
    return lambda: setattr(kind, name, original)


def _is_loguru(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__"))
    return name == __name__ or name.startswith("loguru.")


def _comes_from_logging() -> bool:
    """Return whether a handler of stdlib logging has handed the message on, beside our own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_loguru(frame):
        frame = frame.f_back
    for _ in range(_ON_THE_WAY):
        if frame is None:
            return False
        if frame.f_code is logging.Logger.callHandlers.__code__:
            return any(isinstance(h, BridgeHandler) for h in logging.getLogger().handlers)
        frame = frame.f_back
    return False


def _comes_from_loguru(record: logging.LogRecord) -> bool:
    """Return whether a sink of loguru's has handed on *record*."""
    if not isinstance(getattr(record, "extra", None), dict):
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "loguru._simple_sinks":
            return True
        frame = frame.f_back
    return False
