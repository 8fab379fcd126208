"""What keeps an event loop from running, seen from outside it: the stack, and whose trace it is."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import gc
import sys
import threading
import time
import traceback
import weakref

from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.instrumentation.runtime.pulse import BEAT
from otel_flow.names import runtime as names
from otel_flow.process.bell import Bell


if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_flow.instrumentation.runtime.pulse import Pulse

    Loop = asyncio.AbstractEventLoop


_FRAMES = 30
_ENDLESS = 10.0
"""Seconds after which a loop that is still blocked is reported as it stands."""
_SHORTEST = 0.05
"""Seconds between two looks at the beats."""


class BlockedLoops:
    """Looks at the heartbeats of loops, on a thread of its own while there are loops."""

    def __init__(self, pulses: Mapping[Loop, Pulse], threshold: float) -> None:
        self._pulses = pulses
        self._threshold = threshold
        self._limit = max(threshold, BEAT) + _SHORTEST
        self._samples: weakref.WeakKeyDictionary[Loop, Sample] = weakref.WeakKeyDictionary()
        self._stopped = Bell()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._thread is None or not self._thread.is_alive():
            self._stopped = Bell()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="otel-flow-loops", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.ring()
        self.forget()

    def forget(self) -> None:
        """Start anew, as in a forked child: the thread, and whoever held the event, are not there."""
        self._stopped = Bell()
        self._thread = None
        self._samples.clear()

    def _run(self, stopped: Bell) -> None:
        pause = self._threshold
        while not stopped.wait(pause):
            pause = self._limit
            for loop, pulse in list(self._pulses.items()):
                self._look(loop, pulse)
                # No sooner than the loop can have been silent for too long.
                pause = min(pause, self._limit - (time.perf_counter() - pulse.beaten))
            pause = max(pause, _SHORTEST)

    def _look(self, loop: Loop, pulse: Pulse) -> None:
        silent = time.perf_counter() - pulse.beaten
        sample = self._samples.get(loop)
        if sample is None:
            if silent >= self._limit and loop.is_running():
                self._samples[loop] = Sample(pulse.beaten, _stack(pulse.thread), _context(loop))
        elif pulse.beaten != sample.since:
            del self._samples[loop]
            # Somewhere between two beats it began, half a beat after the first on average.
            seconds = pulse.beaten - sample.since - BEAT / 2
            if seconds >= self._threshold and not sample.reported:
                _report(seconds, sample)
        elif silent > _ENDLESS and not sample.reported:
            sample.reported = True
            _report(silent, sample)


@dataclasses.dataclass(slots=True)
class Sample:
    """What a loop was doing when it had not beaten since *since*."""

    since: float
    stack: str
    context: contextvars.Context
    reported: bool = False


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    return "".join(traceback.format_stack(frame)[-_FRAMES:])


def _context(loop: Loop) -> contextvars.Context:
    """Return a copy, as it is now, of the context of the task that runs in *loop*."""
    task = asyncio.current_task(loop)
    context: contextvars.Context | None = None
    if task is not None and hasattr(task, "get_context"):
        context = task.get_context()
    elif task is not None:
        # Before Python 3.12 a task does not tell; what it refers to does.
        referents = gc.get_referents(task)
        context = next((r for r in referents if isinstance(r, contextvars.Context)), None)
    return contextvars.Context() if context is None else context.copy()


def _report(seconds: float, sample: Sample) -> None:
    keys: dict[str, Any] = {
        "event.name": names.BLOCKED.name,
        names.BLOCKED_FOR.name: round(seconds, 3),
        names.STACKTRACE.name: sample.stack,
    }
    log = structlog.get_logger("otel_flow.runtime")

    def write() -> None:
        log.warning(names.BLOCKED.name, **keys)

    # Processors of the application may raise; the next block is to be seen all the same.
    with contextlib.suppress(Exception):
        sample.context.copy().run(write)
