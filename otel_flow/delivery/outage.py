"""Whether a backend fails, known to a process and to all that are forked from it."""

from __future__ import annotations

import mmap


class Outage:
    """
    What whoever sent last has found out, in memory that forks share.

    A child that lives for one task would otherwise have to find out anew, and wait
    for a whole deadline, that a backend takes connections and never answers.
    """

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def __bool__(self) -> bool:
        return self._byte[0] != 0

    def begins(self) -> None:
        """Note that the backend did not take what it was sent."""
        self._byte[0] = 1

    def ends(self) -> None:
        """Note that the backend has taken what it was sent."""
        self._byte[0] = 0
