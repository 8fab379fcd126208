"""What wakes a thread up, also from within a signal handler."""

from __future__ import annotations

import contextlib
import queue


class Bell:
    """
    Rung by anybody, waited for by one thread.

    An event of ``threading`` takes a lock to be set: whoever is interrupted in that, and sets
    it once more in a signal handler, would wait for itself.
    """

    __slots__ = ("_rings",)

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        self._rings.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether it was rung within *seconds*, or before; None is for ever."""
        try:
            self._rings.get(timeout=None if seconds is None else max(0.0, seconds))
        except queue.Empty:
            return False
        with contextlib.suppress(queue.Empty):
            while True:
                self._rings.get_nowait()
        return True
