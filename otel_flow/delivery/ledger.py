"""The running numbers of one signal, kept under the condition that waiting callers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from otel_flow.delivery.accounting import SUPERSEDED, Accounting, Tally


if TYPE_CHECKING:
    import threading

    from collections.abc import Callable, Mapping

    from otel_flow.delivery.queue import ItemQueue


class Mark(NamedTuple):
    """A moment of one signal: how many items there had been, how many of them replaced."""

    produced: int
    superseded: int


class Ledger:
    """
    What became of the items of *queue* and of those that were fed directly.

    *changed* guards every number, and is notified whenever one of them settles.
    *said* is told of every loss.
    """

    def __init__(
        self,
        queue: ItemQueue,
        *,
        said: Callable[[str, int], None],
        changed: threading.Condition,
    ) -> None:
        self._queue = queue
        self._said = said
        self.renew(changed)

    def renew(self, changed: threading.Condition) -> None:
        """Start from zero, as in a forked child."""
        self.changed = changed
        self._tally = Tally()

    def take(self, items: int) -> None:
        """Count *items* as produced and no longer in the queue; the caller holds *changed*."""
        self._tally.taken += items

    def deliver(self, items: int) -> None:
        """Count *items* as arrived."""
        with self.changed:
            self._tally.delivered += items
            self.changed.notify_all()

    def drop(self, items: int, reason: str) -> None:
        """Count *items* as lost, and say so."""
        with self.changed:
            self._tally.dropped[reason] += items
            self.changed.notify_all()
        self._said(reason, items)

    def supersede(self, items: int) -> None:
        """Count *items* as replaced by later values; the caller holds *changed*."""
        self._tally.dropped[SUPERSEDED] += items

    def double(self, items: int) -> None:
        """Count *items* that may arrive twice."""
        with self.changed:
            self._tally.duplicates += items

    def overflowed(self) -> int:
        """Return how many items found the queue full."""
        with self.changed:
            return self._queue.overflowed()

    def produced(self) -> int:
        """Return how many items there have been so far."""
        with self.changed:
            return self._tally.taken + self._queue.overflowed() + len(self._queue)

    def mark(self) -> Mark:
        """Return the place in the stream of items that everything up to now lies before."""
        with self.changed:
            return Mark(self.produced(), self._tally.dropped[SUPERSEDED])

    def moved(self, mark: Mark) -> Mark:
        """Return *mark*, behind what has replaced items before it where that happened."""
        with self.changed:
            return mark if self._tally.dropped[SUPERSEDED] == mark.superseded else self.mark()

    def reached(self, mark: Mark) -> bool:
        """Return whether it is known of everything before *mark* what became of it."""
        with self.changed:
            return self._tally.settled + self._queue.overflowed() >= mark.produced

    def lost(self) -> int:
        """Return how many items have been dropped."""
        with self.changed:
            return self._tally.lost + self._queue.overflowed()

    def exported(self) -> tuple[int, Mapping[str, int]]:
        """Return how many items arrived, and by reason how many were dropped after the queue."""
        with self.changed:
            return self._tally.delivered, dict(self._tally.dropped)

    def accounting(self) -> Accounting:
        """Return the numbers of this moment; items in the encoder count as waiting."""
        with self.changed:
            overflowed = self._queue.overflowed()
            dropped = dict(self._tally.dropped)
            if overflowed:
                dropped["queue_full"] = dropped.get("queue_full", 0) + overflowed
            waiting = len(self._queue) + self._tally.taken - self._tally.settled
            return Accounting(
                produced=self._tally.taken + overflowed + len(self._queue),
                delivered=self._tally.delivered,
                dropped=dropped,
                waiting=waiting,
                duplicates=self._tally.duplicates,
            )
