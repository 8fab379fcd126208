"""Working beside an event loop: short slices, with pauses in which others run."""

from __future__ import annotations

from time import perf_counter, sleep


SLICE_SECONDS = 0.0003
"""How long the interpreter is held before others may have it."""

_PAUSE = 0.00005
"""
A pause of zero would not do: the thread that waits for the interpreter wakes up slower
than a system call returns, and finds it taken again.
"""


class Pace:
    """Lets others run whenever a slice is over; `step` is called after each small piece of work."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a slice."""
        self._end = perf_counter() + SLICE_SECONDS

    def step(self) -> None:
        """Pause where the slice is over."""
        if perf_counter() >= self._end:
            sleep(_PAUSE)
            self.begin()
