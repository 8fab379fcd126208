"""Whether a backend answers, known to a process and to all that are forked from it."""

from __future__ import annotations

import math
import mmap
import time


_SILENCE = 1.0
"""Seconds without an answer after which a backend that has not said how slow it is seems gone."""
_SLOWER = 8.0
"""How many times slower than ever before a backend may be that is still waited for."""
_CHILD_EXIT = 0.5
"""Seconds that a forked child waits at most for a backend that seems gone."""


class Outage:
    """
    What whoever sent last has found out, in memory that forks share.

    A child that lives for one task would otherwise have to find out anew, and wait
    for a whole deadline, that a backend takes connections and never answers.
    """

    __slots__ = ("_shared",)

    _FAILING, _ASKED, _SLOWEST = range(3)

    def __init__(self) -> None:
        # Numbers of eight bytes are written at one go, so that no lock is needed.
        self._shared = memoryview(mmap.mmap(-1, 24)).cast("d")

    def __bool__(self) -> bool:
        return self._shared[self._FAILING] != 0

    def is_unknown(self) -> bool:
        """Return whether nobody of the family has asked the backend anything yet."""
        return not any(self._shared)

    def asks(self) -> None:
        """Note that a request leaves, by whose answer it will show."""
        if not self._shared[self._ASKED]:
            self._shared[self._ASKED] = time.monotonic()

    def begins(self) -> None:
        """Note that the backend did not take what it was sent."""
        self._shared[self._FAILING] = 1
        self._shared[self._ASKED] = 0

    def ends(self, seconds: float) -> None:
        """Note that the backend has answered after *seconds*."""
        self._shared[self._FAILING] = 0
        self._shared[self._ASKED] = 0
        self._shared[self._SLOWEST] = max(self._shared[self._SLOWEST], seconds)

    def patience(self, start: float) -> float:
        """Return until when a child waits that began to at *start*, times of ``time.monotonic``."""
        if self:
            return start + _CHILD_EXIT
        asked = self._shared[self._ASKED]
        if not asked:
            return math.inf
        silence = max(_SILENCE, _SLOWER * self._shared[self._SLOWEST])
        return max(start + _CHILD_EXIT, asked + silence)
