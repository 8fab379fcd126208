"""Exceptions of log events, under the names of the semantic conventions."""

from __future__ import annotations

import sys
import traceback

from types import TracebackType
from typing import Any

from otel_flow.log_chain.values import text


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


_PARTS = 3


def exception_info(exc_info: Any) -> ExceptionInfo | None:
    """Return what *exc_info* of an event stands for: True, an exception, or the triple itself."""
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple):
        is_whole = len(exc_info) == _PARTS and isinstance(exc_info[1], BaseException)
        return exc_info if is_whole else None
    if exc_info:
        current = sys.exc_info()
        return current if current[1] is not None else None
    return None


def stacktrace(info: ExceptionInfo) -> str:
    """Return the traceback as Python prints it."""
    # Formatting calls the exception's own __str__.
    try:
        return "".join(traceback.format_exception(*info)).rstrip()
    except Exception as error:
        return f"<traceback cannot be shown: {type(error).__name__}>"


def exception_attributes(info: ExceptionInfo, trace: str) -> dict[str, str]:
    """Return ``exception.type``, ``.message`` and ``.stacktrace`` (semantic conventions: exceptions)."""
    kind, error, _ = info
    prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return {
        "exception.type": f"{prefix}{kind.__qualname__}",
        "exception.message": text(error),
        "exception.stacktrace": trace,
    }
