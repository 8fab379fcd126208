"""Working beside an event loop: short slices, with pauses in which others run."""

from __future__ import annotations

import sys
import threading

from time import perf_counter, sleep


SLICE_SECONDS = 0.0003
"""How long the interpreter is held before others may have it."""

_PAUSE = 0.00005
"""
A pause of zero would not do: the thread that waits for the interpreter wakes up slower
than a system call returns, and finds it taken again.
"""


class _Slice(threading.local):
    """The slice that a thread is in; it ends whatever the thread does, one thing or many."""

    end = 0.0


_slice = _Slice()
_HURRIED_SECONDS = 0.005
"""After so long the interpreter has a thread give way by itself, if another one waits."""


def hurry() -> None:
    """
    Have this thread hold the interpreter for as long as others do, once.

    A thread that gives it over sooner gets it back only when another one is made to give way:
    what records in a tight loop fills any queue meanwhile.
    """
    _slice.end = perf_counter() + _HURRIED_SECONDS


def step() -> None:
    """Let others run where this thread's slice is over; called after each small piece of work."""
    if perf_counter() >= _slice.end:
        sleep(_PAUSE)
        _slice.end = perf_counter() + SLICE_SECONDS


_IS_OF_THREADS = getattr(sleep, "__module__", None) == "time"
"""Whether it is threads that take turns here: gevent has greenlets do, which must not switch anywhere."""


def give_way() -> None:
    """Let the other threads run for a moment, unless an event loop runs in this one."""
    if _IS_OF_THREADS and not _runs_a_loop():
        sleep(_PAUSE)


def _runs_a_loop() -> bool:
    # What is not loaded runs nothing; a trio that cannot be asked may run here.
    events, trio = sys.modules.get("asyncio.events"), sys.modules.get("trio")
    if events is not None and events._get_running_loop() is not None:
        return True
    if trio is None:
        return False
    runs = getattr(trio.lowlevel, "in_trio_run", None)
    return runs is None or bool(runs())
