"""One signal on its way out: queue, encoder, backlog and sender."""

from __future__ import annotations

import threading
import time

from typing import TYPE_CHECKING, Any

from otel_flow.delivery.chunk import Chunk
from otel_flow.delivery.ledger import Ledger
from otel_flow.delivery.pace import hurry
from otel_flow.delivery.sender import Sender


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_flow.delivery.backlog import Backlog
    from otel_flow.delivery.encoding import Encoder
    from otel_flow.delivery.outlet import Outlet
    from otel_flow.delivery.queue import ItemQueue
    from otel_flow.delivery.reach import Reach
    from otel_flow.delivery.report import Report


_PUMP = 512
"""Items taken from the queue at once."""


class Lane:
    """
    The way of one signal, from the queue of items to the answer of its backend.

    *changed* is the condition that the engine shares among its lanes; it guards
    the backlog and the numbers.
    """

    def __init__(
        self,
        *,
        signal: str,
        queue: ItemQueue,
        encode: Encoder,
        outlet: Outlet,
        reach: Reach,
        report: Report,
        timeout: float,
        schedule_delay: float,
        backlog: Callable[[], Backlog],
        collapse: bool,
        changed: threading.Condition,
    ) -> None:
        self.signal = signal
        self.queue = queue
        self.outlet = outlet
        self._encode = encode
        self._report = report
        self._schedule_delay = schedule_delay
        self._collapse = collapse
        self._new_backlog = backlog
        self._backlog = backlog()
        self.ledger = Ledger(queue, said=report.dropped, changed=changed)
        self.sender = Sender(
            f"otel-flow-{signal}",
            ledger=self.ledger,
            outlet=outlet,
            reach=reach,
            report=report,
            timeout=timeout,
            backlog=self._backlog,
        )
        self._reset()

    def _reset(self) -> None:
        # Reentrant, as all that a flush takes: a signal handler may interrupt it and flush.
        self._pumping = threading.RLock()
        self._due: float | None = None

    def renew(self, changed: threading.Condition) -> None:
        """Start anew, as in a forked child: nothing waits, no lock is held, no socket is shared."""
        self._reset()
        self._report.renew()
        self.queue.clear()
        self.ledger.renew(changed)
        self._backlog = self._new_backlog()
        self.sender.renew(self._backlog)

    def next_due(self, now: float) -> float | None:
        """Return when the queue is to be emptied; None where it is empty, and was before."""
        if self._due is None and not self.queue.rest():
            self._due = now + self._schedule_delay
        times = (self._due, self.sender.next_try)
        return min((at for at in times if at is not None), default=None)

    def summarise(self, now: float) -> float | None:
        """Say what was lost within the last minute; return when there will be more to say."""
        return self._report.summarise(now)

    def is_due(self, now: float) -> bool:
        """Return whether the queue is to be emptied now."""
        due = any(at is not None and now >= at for at in (self._due, self.sender.next_try))
        return due or self.queue.is_urgent()

    def pump(self, end: float | None = None) -> None:
        """
        Encode what waits in the queue now, and have it sent.

        Where no thread can be started the caller sends, at most until *end*.
        """
        with self._pumping:
            left = len(self.queue)
            # Where something came, more will: looking again after the delay costs one
            # wake-up, being woken by the next item would cost two.
            self._due = time.monotonic() + self._schedule_delay if left else None
            while left > 0 and (items := self._take(min(left, _PUMP))):
                left -= len(items)
                # Who waits a little longer loses less than what is dropped.
                if self.queue.is_crowded():
                    hurry()
                self._put(items)
        if not self.sender.start():
            self.sender.send_here(end)

    def is_unknown(self) -> bool:
        """Return whether it can be found out, and nobody knows, whether the backend answers."""
        return self.outlet.takes_nothing and self.sender.outage.is_unknown()

    def ask(self) -> None:
        """Find out by a request of nothing whether the backend answers, where nobody knows."""
        if not self.is_unknown():
            return
        with self.ledger.changed:
            self._backlog.put(Chunk(self.signal, b"", 0))
        self.sender.start()

    def _take(self, limit: int) -> list[Any]:
        with self.ledger.changed:
            items = self.queue.take(limit)
            self.ledger.take(len(items))
        return items

    def feed(self, items: Sequence[Any], count: int, *, lasting: bool = False) -> None:
        """
        Encode *items*, *count* points of metrics, which never waited in the queue.

        What waits and was not *lasting* is superseded by them. Where no thread can be
        started they wait for the next `pump`: the caller has a deadline of its own.
        """
        with self.ledger.changed:
            self.ledger.take(count)
            if self._collapse and not lasting:
                self.ledger.supersede(self._backlog.supersede())
        with self._pumping:
            self._put(items, lasting=lasting)
        self.sender.start()

    def _put(self, items: Sequence[Any], *, lasting: bool = False) -> None:
        for chunk in self._encode(items, self.ledger.drop, lasting=lasting):
            with self.ledger.changed:
                dropped = self._backlog.put(chunk)
            if dropped:
                self.ledger.drop(dropped, "queue_full")

    def close(self) -> None:
        """Take no more items; what is being sent is abandoned to its thread."""
        self.queue.close()
        self.sender.close()
