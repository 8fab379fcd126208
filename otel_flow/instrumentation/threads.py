"""
Threads: what is started or submitted belongs to the span that did so.

`asyncio.to_thread` and Python's free-threaded builds carry the context already
(``sys.flags.thread_inherit_context``); elsewhere a new thread begins with an empty one.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import functools
import sys
import threading

from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from otel_flow import telemetry as running
from otel_flow.measure.carry import carried


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.telemetry import Telemetry


TARGETS: tuple[type, ...] = ()

_OWN = "otel-flow"
"""Name of the delivery engine's threads, which belong to no request."""

_undos: list[Callable[[], None]] = []


def instrument(target: None = None, *, telemetry: Telemetry | None = None) -> Callable[[], None]:
    """
    Carry the context into threads and thread pools that are started inside a span; return the undo.

    Outside a span nothing is carried. There is nothing to pass as *target*.
    """
    del target
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    if not _undos and not getattr(sys.flags, "thread_inherit_context", False):
        _undos.extend([_patch_start(), _patch_submit()])
    return uninstrument


def uninstrument(target: None = None) -> None:
    """Carry no context any more."""
    del target
    while _undos:
        _undos.pop()()


def _in_span() -> bool:
    return trace.get_current_span().get_span_context().is_valid


def _patch_start() -> Callable[[], None]:
    original = threading.Thread.start

    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        if _in_span() and not self.name.startswith(_OWN):
            self.run = _inside(self)  # type: ignore[method-assign]
        original(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    return functools.partial(_restore, threading.Thread, "start", start, original)


def _inside(thread: threading.Thread) -> Callable[[], None]:
    """Return the thread's `run` in the context of now; on the instance, as subclasses have theirs."""
    context, run = contextvars.copy_context(), thread.run

    def inside() -> None:
        vars(thread).pop("run", None)
        context.run(run)

    return inside


def _patch_submit() -> Callable[[], None]:
    pool = concurrent.futures.ThreadPoolExecutor
    original: Any = pool.submit

    @functools.wraps(original)
    def submit(self: Any, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        work = carried(function) if _in_span() else function
        return original(self, work, *arguments, **keywords)

    pool.submit = submit  # type: ignore[method-assign]
    return functools.partial(_restore, pool, "submit", submit, original)


def _restore(owner: type, name: str, ours: Any, original: Any) -> None:
    if getattr(owner, name) is ours:
        setattr(owner, name, original)
