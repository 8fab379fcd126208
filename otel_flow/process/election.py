"""Which process of a service does what only one of them must do."""

from __future__ import annotations

import os

from otel_flow.process.slots import Slot


class Election:
    """
    One post, *purpose*, that one process of *service* holds at a time.

    The post is a slot of its own: whoever asks first gets it, and when that process ends,
    however it ends, the next one that asks takes over. Its scope is the network namespace,
    a host or a pod; where there are no slots every process thinks it is elected.
    """

    def __init__(self, service: str, purpose: str) -> None:
        self._post = f"{service}#{purpose}"
        self._slot: Slot | None = None
        self._pid = -1

    def is_elected(self) -> bool:
        """Return whether this process holds the post, applying for it where it is free."""
        if self._slot is not None and self._pid == os.getpid() and self._slot.is_ours():
            return True
        self.resign()
        self._pid = os.getpid()
        self._slot = Slot.take(self._post, limit=1)
        return self._slot is not None or not Slot.available()

    def resign(self) -> None:
        """Give the post up; in a forked child, only the copy of its parent's."""
        if self._slot is not None:
            self._slot.release()
            self._slot = None
