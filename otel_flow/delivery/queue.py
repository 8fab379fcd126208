"""The queue that application threads append to: no lock, no wait, no exception."""

from __future__ import annotations

import collections
import itertools

from typing import TYPE_CHECKING, Any, Literal


if TYPE_CHECKING:
    from collections.abc import Callable


class ItemQueue:
    """
    Items that wait to be encoded, at most *capacity* of them.

    Producers only use operations that the interpreter makes atomic, so that a
    signal handler may append while the thread it interrupts does. *wake* is called
    for the first item and again when *urgent* items wait; it must not lock either.
    """

    def __init__(
        self,
        *,
        capacity: int,
        urgent: int,
        drop: Literal["oldest", "newest"],
        wake: Callable[[], None],
    ) -> None:
        self.capacity = capacity
        self._urgent = min(urgent, capacity)
        self._drop_oldest = drop == "oldest"
        self._wake = wake
        self._closed = False
        self.clear()

    def clear(self) -> None:
        """Forget everything, counts included."""
        self._items: collections.deque[Any] = collections.deque()
        self._attention = 1
        self._overflow = itertools.count()
        self._overflow_reads = 0

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Any) -> None:
        """Take *item*; a full queue drops the oldest item, or this one, as it was set."""
        items = self._items
        items.append(item)
        if len(items) >= self._attention:
            self._attend(len(items))

    def _attend(self, waiting: int) -> None:
        if waiting > self.capacity or self._closed:
            self._shed()
            return
        self._attention = self.capacity + 1 if waiting >= self._urgent else self._urgent
        self._wake()

    def _shed(self) -> None:
        try:
            self._items.popleft() if self._drop_oldest else self._items.pop()
        except IndexError:
            return
        next(self._overflow)

    def rest(self) -> bool:
        """Ask to be woken for the next item; return whether the queue is empty until then."""
        self._attention = 1
        return not self._items

    def close(self) -> None:
        """Drop, and count, whatever comes from now on."""
        self._closed = True
        self._drop_oldest = False
        self._attention = 0

    def is_urgent(self) -> bool:
        """Return whether so much waits that the schedule delay should not be awaited."""
        return len(self._items) >= self._urgent

    def take(self, limit: int) -> list[Any]:
        """Remove and return up to *limit* items, the oldest first."""
        taken: list[Any] = []
        items = self._items
        while len(taken) < limit:
            try:
                taken.append(items.popleft())
            except IndexError:
                break
        if not self._closed:
            self._attention = self._urgent
        return taken

    def overflowed(self) -> int:
        """Return how many items were dropped because the queue was full; one reader at a time."""
        # itertools.count is the only counter that threads advance without a lock;
        # reading advances it too, which is subtracted.
        value = next(self._overflow) - self._overflow_reads
        self._overflow_reads += 1
        return value
