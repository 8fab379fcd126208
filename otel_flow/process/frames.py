"""What a thread is in the middle of, where a signal handler or a callback has interrupted it."""

from __future__ import annotations

import sys

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from types import FrameType


_OURS = ("otel_flow", "opentelemetry")


def is_interrupting(modules: tuple[str, ...]) -> bool:
    """
    Return whether this thread does what it does from within a frame of *modules*.

    The calls of OpenTelemetry that have led here do not count, what lies below the code
    that made them does.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_of(frame, _OURS):
        frame = frame.f_back
    while frame is not None and not _is_of(frame, modules):
        frame = frame.f_back
    return frame is not None


def _is_of(frame: FrameType, modules: tuple[str, ...]) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(modules)
