"""Working beside an event loop: short slices, with pauses in which others run."""

from __future__ import annotations

from time import perf_counter, sleep
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


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

    def end(self) -> None:
        """End the slice: the next step pauses."""
        self._end = 0.0

    def step(self) -> None:
        """Pause where the slice is over."""
        if perf_counter() >= self._end:
            sleep(_PAUSE)
            self.begin()


def steps_of_a_text() -> Callable[[], None]:
    """
    Return what is to be called between the steps of searching a long text.

    The first call pauses: nobody knows how much of a slice is over already.
    """
    pace = Pace()
    pace.end()
    return pace.step
