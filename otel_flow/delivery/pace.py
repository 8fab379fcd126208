"""Working beside an event loop: short slices, with pauses in which others run."""

from __future__ import annotations

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


def step() -> None:
    """Let others run where this thread's slice is over; called after each small piece of work."""
    if perf_counter() >= _slice.end:
        sleep(_PAUSE)
        _slice.end = perf_counter() + SLICE_SECONDS
