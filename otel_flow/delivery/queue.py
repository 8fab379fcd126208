"""The queue that application threads append to: no lock, no wait, no exception."""

from __future__ import annotations

import collections
import itertools
import sys

from typing import TYPE_CHECKING, Any, Literal

from otel_flow.delivery.pace import give_way
from otel_flow.delivery.weight import weigh


if TYPE_CHECKING:
    from collections.abc import Callable


_PATIENCE = 64
"""Items after which whoever fills a crowded queue lets others run."""
_SAMPLE = 7
"""One item of so many is weighed; odd, so that kinds that take turns are all seen."""


class ItemQueue:
    """
    Items that wait to be encoded, at most *capacity* of them and about *limit* bytes.

    Producers only use operations that the interpreter makes atomic, so that a
    signal handler may append while the thread it interrupts does. *wake* is called
    for the first item and again when *urgent* items or a quarter of the bytes wait; it must
    not lock either. Above a half *give_way* is called now and then.
    """

    def __init__(
        self,
        *,
        capacity: int,
        limit: int = sys.maxsize,
        urgent: int,
        drop: Literal["oldest", "newest"],
        wake: Callable[[], None],
        give_way: Callable[[], None] = give_way,
    ) -> None:
        self.capacity = capacity
        self._urgent = min(urgent, capacity)
        crowd = capacity // 2
        self._crowd = crowd if crowd > self._urgent else capacity + 1
        self._limit = limit
        self._heavy = limit // 4
        self._drop_oldest = drop == "oldest"
        self._wake = wake
        self._give_way = give_way
        self._closed = False
        self.clear()

    def clear(self) -> None:
        """Forget everything, counts included."""
        self._items: collections.deque[Any] = collections.deque()
        self._attention = 1
        self._bytes = 0
        self._overflow = itertools.count()
        self._overflow_reads = 0

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Any) -> None:
        """Take *item*; a full queue drops the oldest item, or this one, as it was set."""
        items = self._items
        items.append(item)
        waiting = len(items)
        if waiting >= self._attention:
            self._attend(waiting)
        if waiting % _SAMPLE == 1:
            self._weigh(item)

    def _weigh(self, item: Any) -> None:
        """Estimate the bytes that wait; two threads at once may lose a little of it."""
        before = self._bytes
        self._bytes = now = before + _SAMPLE * weigh(item)
        if before < self._heavy <= now:
            self._wake()
        elif now > self._limit:
            self._lighten(now)

    def _lighten(self, weight: float) -> None:
        each = weight / max(1, len(self._items))
        while weight > self._limit and self._items:
            self._shed()
            weight -= each
        self._bytes = int(weight)

    def _attend(self, waiting: int) -> None:
        if waiting > self.capacity or self._closed:
            self._shed()
            return
        if waiting >= self._crowd == self._attention:
            # What is produced faster than it can be taken is lost: a moment of patience
            # costs less, a few times until the queue is shorter again.
            if waiting % _PATIENCE == 0:
                self._give_way()
            return
        self._attention = self._crowd if waiting >= self._urgent else self._urgent
        self._wake()

    def _shed(self) -> None:
        try:
            self._items.popleft() if self._drop_oldest else self._items.pop()
        except IndexError:
            return
        next(self._overflow)

    def rest(self) -> bool:
        """Ask, where the queue is empty, to be woken for the next item; return whether it is."""
        if self._items:
            return False
        self._attention = 1
        if not self._items:
            return True
        # An item came between: it is not waited for any more.
        self._attention = self._urgent
        return False

    def close(self) -> None:
        """Drop, and count, whatever comes from now on."""
        self._closed = True
        self._drop_oldest = False
        self._attention = 0

    def is_urgent(self) -> bool:
        """Return whether so much waits that the schedule delay should not be awaited."""
        return len(self._items) >= self._urgent or self._bytes >= self._heavy

    def is_crowded(self) -> bool:
        """Return whether half of it is taken, so that items may soon be dropped."""
        return len(self._items) * 2 >= self.capacity

    def take(self, limit: int) -> list[Any]:
        """Remove and return up to *limit* items, the oldest first."""
        taken: list[Any] = []
        items = self._items
        while len(taken) < limit:
            try:
                taken.append(items.popleft())
            except IndexError:
                break
        # All that waits is being taken, in several calls.
        self._bytes = 0
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
