"""Whether a server has been there at all, in the life of this process."""

from __future__ import annotations

import time


_LEAST = 0.5
"""Seconds that an end waits at least, for a server that may just be starting."""


class Reach:
    """
    What the senders to one server know of it: whether there ever was anybody to connect to.

    A service that ends where no Collector has ever been, as on a developer's machine,
    has tried long enough before; one that was reached once is waited for as ever.
    """

    __slots__ = ("_met", "_missed_since")

    def __init__(self) -> None:
        self._met = False
        self._missed_since: float | None = None

    def meet(self) -> None:
        """Note that somebody is there, or may be: whatever is not `miss`."""
        self._met = True
        self._missed_since = None

    def miss(self) -> None:
        """Note that nobody listens, or that the name means nothing."""
        if not self._met and self._missed_since is None:
            self._missed_since = time.monotonic()

    def patience(self, start: float, end: float) -> float:
        """
        Return until when a process waits that began to end at *start*, at most until *end*.

        What it has tried in vain before counts; times are of ``time.monotonic``.
        """
        if self._missed_since is None:
            return end
        return min(end, max(start + _LEAST, self._missed_since + (end - start)))
