"""Where an event was written: ``code.*`` (semantic conventions: source code), once per line of code."""

from __future__ import annotations

import sys
import traceback

from typing import TYPE_CHECKING, Any

from structlog import contextvars as structlog_contextvars

from otel_flow.otlp.constant import Constant


if TYPE_CHECKING:
    import logging

    from collections.abc import Mapping
    from contextvars import ContextVar
    from types import CodeType, FrameType

    from otel_flow.redaction import Redaction


_INSIDE = (
    "structlog",
    "logging",
    "otel_flow.log_chain",
    "otel_flow.measure",
    "otel_flow.telemetry",
)
"""Packages through which an event comes; who called them has written it."""
_OURS = ("otel_flow",)
"""Packages whose lines of code tell a user nothing."""
_LINES = 4096

# Of coroutines that log through a thread; missing in versions of structlog yet unknown.
_calling: ContextVar[FrameType] | None = getattr(
    structlog_contextvars, "_ASYNC_CALLING_STACK", None
)


class _Within(dict[Any, bool]):
    """Whether a module, by name, belongs to one of *packages*."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        super().__init__()
        self._packages = packages

    def __missing__(self, name: Any) -> bool:
        within = any(f"{name}.".startswith(f"{package}.") for package in self._packages)
        if len(self) < _LINES:
            self[name] = within
        return within


class Line:
    """A line of code that writes events: its *attributes*, and how its events begin and end."""

    __slots__ = ("_code", "attributes", "end", "head")

    def __init__(self, code: CodeType, attributes: Mapping[str, Any]) -> None:
        # Kept, so that its identity is not given to another one.
        self._code = code
        self.attributes = Constant(attributes)
        self.end: str | None = None
        """The attributes as `ShortWay` writes them, None before it has."""
        self.head: Any = None
        """What the event that was written last begins with; also `ShortWay`'s."""


class Callers:
    """The lines of code that write events, and their attributes without secrets."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._inside = _Within(_INSIDE)
        self._ours = _Within(_OURS)
        self._known: dict[tuple[int, int], Line] = {}
        self._records: dict[tuple[str, int, str], Mapping[str, Any]] = {}

    def frame(self) -> FrameType | None:
        """Return the frame that has written the event that is under way."""
        frame: FrameType | None = None if _calling is None else _calling.get(None)
        return self._outside(sys._getframe(1) if frame is None else frame)

    def _outside(self, frame: FrameType | None) -> FrameType | None:
        inside = self._inside
        while frame is not None and inside[frame.f_globals.get("__name__")]:
            frame = frame.f_back
        return frame

    def current(self) -> Mapping[str, Any]:
        """Return the attributes of the event that is under way; none where it is one of ours."""
        line = self.line(self.frame())
        return {} if line is None else line.attributes

    def line(self, frame: FrameType | None) -> Line | None:
        """Return the line that runs in *frame*, or in the first of its callers that writes events."""
        if frame is not None and self._inside[frame.f_globals.get("__name__")]:
            frame = self._outside(frame)
        if frame is None:
            return None
        code = frame.f_code
        key = id(code), frame.f_lasti
        line = self._known.get(key)
        if line is None:
            if len(self._known) >= _LINES:
                self._known.clear()
            line = self._known[key] = Line(code, self._of_frame(frame))
        return line

    def _of_frame(self, frame: FrameType) -> Mapping[str, Any]:
        module = frame.f_globals.get("__name__")
        if self._ours[module]:
            return {}
        code = frame.f_code
        return self._attributes(code.co_filename, frame.f_lineno, f"{module}.{code.co_qualname}")

    def of_record(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """Return the attributes of the line that logged *record*."""
        key = record.pathname, record.lineno, record.funcName
        known = self._records.get(key)
        if known is None:
            if len(self._records) >= _LINES:
                self._records.clear()
            known = self._records[key] = self._of_line(*key)
        return known

    def _of_line(self, path: str, line: int, name: str) -> Mapping[str, Any]:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_lineno == line and frame.f_code.co_filename == path:
                return self._of_frame(frame)
            frame = frame.f_back
        # Handed on by a queue, a socket or another logging library.
        return self._attributes(path, line, name)

    def _attributes(self, path: str, line: int, name: str) -> Mapping[str, Any]:
        return self._redaction.attributes(
            {"code.file.path": path, "code.line.number": line, "code.function.name": name}
        )

    def stack(self) -> str:
        """Return the stack of the event that is under way, as Python prints it."""
        frame = self.frame()
        return "" if frame is None else "".join(traceback.format_stack(frame)).rstrip()
