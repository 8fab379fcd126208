"""One signal on its way out: queue, encoder, backlog and sender."""

from __future__ import annotations

import math
import threading
import time

from typing import TYPE_CHECKING, Any

from otel_flow.delivery.accounting import Accounting, Tally
from otel_flow.delivery.backlog import Backlog
from otel_flow.delivery.chunk import pack
from otel_flow.delivery.suppression import suppressed
from otel_flow.delivery.transport import TransportError
from otel_flow.delivery.verdict import Verdict, backoff, judge


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from otel_flow.delivery.chunk import Chunk
    from otel_flow.delivery.encoding import Encoder
    from otel_flow.delivery.queue import ItemQueue
    from otel_flow.delivery.report import Report
    from otel_flow.delivery.transport import Transport


_PUMP = 512
"""Items taken from the queue at once."""
_REFUSALS = 32
"""Refusals in a row after which requests are dropped whole instead of split."""


def _ignore(seconds: float, status: int | None, error: str | None) -> None:
    """Record nothing of a request, as long as there is no meter provider."""


class Lane:
    """
    The way of one signal, from the queue of items to the answer of its backend.

    Its sender thread lives while something waits. Nobody but the sender talks to the
    transport; counts and backlog are guarded by *changed*, which the engine shares
    among its lanes.
    """

    def __init__(
        self,
        *,
        signal: str,
        queue: ItemQueue,
        encode: Encoder,
        transport: Transport,
        report: Report,
        timeout: float,
        schedule_delay: float,
        max_items: int | None,
        backlog_bytes: int,
        drop: Literal["oldest", "newest"],
        collapse: bool,
        changed: threading.Condition,
    ) -> None:
        self.signal = signal
        self.queue = queue
        self._encode = encode
        self._transport = transport
        self._report = report
        self._timeout = timeout
        self._schedule_delay = schedule_delay
        self._max_items = max_items
        self._collapse = collapse
        self._new_backlog: Callable[[], Backlog] = lambda: Backlog(limit=backlog_bytes, drop=drop)
        self.failing = False
        self.on_request: Callable[[float, int | None, str | None], None] = _ignore
        self.renew(changed)

    def renew(self, changed: threading.Condition) -> None:
        """Start anew, as in a forked child: nothing waits, no lock is held, no socket is shared."""
        self._changed = changed
        self._pumping = threading.Lock()
        self._nudge = threading.Event()
        self._backlog = self._new_backlog()
        self._tally = Tally()
        self._thread: threading.Thread | None = None
        self._failures = self._refusals = 0
        self._due: float | None = None
        self._end: float | None = None
        self._closed = False
        self._report.renew()
        self._transport.close()
        self.queue.clear()

    # Queue to backlog

    def next_due(self, now: float) -> float | None:
        """Return when the queue is to be emptied; None where it is empty."""
        if self.queue.rest():
            self._due = None
        elif self._due is None:
            self._due = now + self._schedule_delay
        return self._due

    def is_due(self, now: float) -> bool:
        """Return whether the queue is to be emptied now."""
        return self.queue.is_urgent() or (self._due is not None and now >= self._due)

    def pump(self) -> None:
        """Encode what waits in the queue now."""
        with self._pumping:
            self._due = None
            left = len(self.queue)
            while left > 0 and (items := self._take(min(left, _PUMP))):
                left -= len(items)
                self._put(items)
        self.send()

    def _take(self, limit: int) -> list[Any]:
        with self._changed:
            items = self.queue.take(limit)
            self._tally.taken += len(items)
        return items

    def feed(self, items: Sequence[Any], count: int) -> None:
        """Encode *items*, *count* points of metrics, which never waited in the queue."""
        with self._changed:
            self._tally.taken += count
            if self._collapse:
                self._tally.dropped["superseded"] += self._backlog.supersede()
        with self._pumping:
            self._put(items)
        self.send()

    def _put(self, items: Sequence[Any]) -> None:
        for chunk in pack(self._encode(items, self._unencodable), max_items=self._max_items):
            with self._changed:
                dropped = self._backlog.put(chunk)
            if dropped:
                self._drop(dropped, "queue_full")

    def _unencodable(self, items: int) -> None:
        self._drop(items, "unencodable")

    def _drop(self, items: int, reason: str) -> None:
        with self._changed:
            self._tally.dropped[reason] += items
            self._changed.notify_all()
        self._report.dropped(reason, items)

    # Backlog to backend

    def send(self) -> None:
        """See to it that somebody sends the backlog: a thread, or where none can start, this one."""
        with self._changed:
            if self._thread is not None or not len(self._backlog) or self._closed:
                return
            self._thread = threading.Thread(
                target=self._send_all, name=f"otel-flow-{self.signal}", daemon=True
            )
            thread = self._thread
        try:
            thread.start()
        except RuntimeError:
            # At interpreter exit Python ≥ 3.12 refuses new threads (cpython#113964).
            self._send_all()

    def _send_all(self) -> None:
        with suppressed():
            while (chunk := self._next()) is not None:
                # A fault of ours, or of a meter provider that counts us, must not end
                # the sender: its data would wait for ever.
                try:
                    self._attempt(chunk)
                except Exception as error:
                    self._retry(Verdict("retry", f"{type(error).__name__}: {error}"))

    def _next(self) -> Chunk | None:
        with self._changed:
            chunk = None if self._closed or self._remaining() <= 0 else self._backlog.begin()
            if chunk is None:
                self._thread = None
                if self._closed:
                    self._transport.close()
                self._changed.notify_all()
            return chunk

    def _attempt(self, chunk: Chunk) -> None:
        verdict = self._post(chunk)
        if verdict.kind == "delivered":
            self._delivered(chunk, verdict)
        elif verdict.kind == "retry":
            self._retry(verdict)
        else:
            self._refused(chunk, verdict)

    def _post(self, chunk: Chunk) -> Verdict:
        started = time.monotonic()
        try:
            answer = self._transport.post(chunk.body, self._seconds())
        except TransportError as error:
            if error.sent:
                with self._changed:
                    self._tally.duplicates += chunk.items
            self.on_request(time.monotonic() - started, None, error.kind)
            return Verdict("retry", str(error))
        verdict = judge(self.signal, answer)
        failed = None if verdict.kind == "delivered" else verdict.reason
        self.on_request(time.monotonic() - started, answer.status, failed)
        return verdict

    def _delivered(self, chunk: Chunk, verdict: Verdict) -> None:
        with self._changed:
            self._backlog.finish()
            rejected = min(verdict.rejected, chunk.items)
            self._tally.delivered += chunk.items - rejected
            self._failures = self._refusals = 0
            self.failing = False
            lost = self._lost()
            self._changed.notify_all()
        if rejected:
            self._drop(rejected, "rejected")
        self._report.recovered(lost=lost)

    def _retry(self, verdict: Verdict) -> None:
        with self._changed:
            self._backlog.pause()
            self._failures += 1
            self.failing = True
            waiting, lost = self._backlog.items, self._lost()
            self._changed.notify_all()
        self._report.failed(verdict.reason, waiting=waiting, lost=lost)
        delay = verdict.retry_after
        delay = backoff(self._failures) if delay is None else delay
        self._nudge.wait(min(delay, max(0.0, self._remaining())))
        self._nudge.clear()

    def _refused(self, chunk: Chunk, verdict: Verdict) -> None:
        """Split what may hold one bad item; drop what cannot be split or was refused as such."""
        splits = verdict.kind == "split" and self._refusals < _REFUSALS
        halves = chunk.halves() if splits else ()
        with self._changed:
            self._refusals += 1
            self._backlog.finish(halves)
        if not halves:
            self._drop(chunk.items, verdict.reason)

    # Counts

    def _lost(self) -> int:
        return self._tally.lost + self.queue.overflowed()

    def in_flight(self) -> int:
        """Return how many items are being sent."""
        with self._changed:
            return self._backlog.in_flight

    def overflowed(self) -> int:
        """Return how many items found the queue full."""
        with self._changed:
            return self.queue.overflowed()

    def produced(self) -> int:
        """Return how many items there have been so far."""
        with self._changed:
            return self._tally.taken + self.queue.overflowed() + len(self.queue)

    def settled(self) -> int:
        """Return of how many items is known what became of them."""
        with self._changed:
            return self._tally.settled + self.queue.overflowed()

    def lost(self) -> int:
        """Return how many items have been dropped."""
        with self._changed:
            return self._lost()

    def accounting(self) -> Accounting:
        """Return the numbers of this moment; items in the encoder count as waiting."""
        with self._changed:
            overflowed = self.queue.overflowed()
            dropped = dict(self._tally.dropped)
            if overflowed:
                dropped["queue_full"] = dropped.get("queue_full", 0) + overflowed
            waiting = len(self.queue) + self._tally.taken - self._tally.settled
            return Accounting(
                produced=self._tally.taken + overflowed + len(self.queue),
                delivered=self._tally.delivered,
                dropped=dropped,
                waiting=waiting,
                duplicates=self._tally.duplicates,
            )

    def nudge(self) -> None:
        """Try again now instead of after the delay."""
        if self.failing:
            self._nudge.set()

    def close(self) -> None:
        """Take no more items; what is being sent is abandoned to its thread."""
        self.queue.close()
        with self._changed:
            self._closed = True
            if self._thread is None:
                self._transport.close()
        self._nudge.set()

    def wait_until(self, end: float | None) -> None:
        """Send nothing after *end*, a time of ``time.monotonic``; None is no end."""
        self._end = end

    def _remaining(self) -> float:
        return math.inf if self._end is None else self._end - time.monotonic()

    def _seconds(self) -> float:
        """Return how long a request that starts now may take."""
        return max(0.05, min(self._timeout, self._remaining()))
