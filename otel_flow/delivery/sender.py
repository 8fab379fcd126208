"""From the backlog to the backend: one request at a time, again until it is taken or refused."""

from __future__ import annotations

import math
import threading
import time

from typing import TYPE_CHECKING

from otel_flow.delivery.outage import Outage
from otel_flow.delivery.suppression import suppressed
from otel_flow.delivery.verdict import Verdict, backoff


if TYPE_CHECKING:
    from otel_flow.delivery.backlog import Backlog
    from otel_flow.delivery.chunk import Chunk
    from otel_flow.delivery.ledger import Ledger
    from otel_flow.delivery.outlet import Outlet
    from otel_flow.delivery.report import Report


_REFUSALS = 64
"""Refusals in a row after which requests are dropped whole instead of split."""


class Sender:
    """
    Empties *backlog* into *outlet*, on a thread that lives while something waits.

    Nobody else talks to the outlet. The backlog is guarded by the condition of *ledger*.
    """

    def __init__(
        self,
        name: str,
        *,
        ledger: Ledger,
        outlet: Outlet,
        report: Report,
        timeout: float,
        backlog: Backlog,
    ) -> None:
        self._name = name
        self._ledger = ledger
        self._outlet = outlet
        self._report = report
        self._timeout = timeout
        self.outage = Outage()
        self.renew(backlog)

    def renew(self, backlog: Backlog) -> None:
        """Start anew, as in a forked child: nobody sends, nothing has failed, nothing is shared."""
        self._backlog = backlog
        self._nudge = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = self._refusals = 0
        self._end: float | None = None
        self._closed = False
        self.failing = False
        self._outlet.close()

    def start(self) -> None:
        """See to it that somebody sends: a thread, or where none can start, this one."""
        with self._ledger.changed:
            if self._thread is not None or not len(self._backlog) or self._closed:
                return
            thread = threading.Thread(target=self._send_all, name=self._name, daemon=True)
            self._thread = thread
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
        with self._ledger.changed:
            chunk = None if self._closed or self._remaining() <= 0 else self._backlog.begin()
            if chunk is None:
                self._thread = None
                if self._closed:
                    self._outlet.close()
                self._ledger.changed.notify_all()
            return chunk

    def _attempt(self, chunk: Chunk) -> None:
        self.outage.asks()
        started = time.monotonic()
        verdict = self._outlet.post(chunk, self._seconds())
        if verdict.kind != "retry":
            self.outage.ends(time.monotonic() - started)
        if verdict.doubtful:
            self._ledger.double(chunk.items)
        if verdict.kind == "delivered":
            self._delivered(chunk, verdict)
        elif verdict.kind == "retry":
            self._retry(verdict)
        else:
            self._refused(chunk, verdict)

    def _delivered(self, chunk: Chunk, verdict: Verdict) -> None:
        rejected = min(verdict.rejected, chunk.items)
        with self._ledger.changed:
            self._backlog.finish()
            self._failures = self._refusals = 0
            self.failing = False
            self._ledger.deliver(chunk.items - rejected)
        if rejected:
            self._ledger.drop(rejected, "rejected")
        self._report.recovered(lost=self._ledger.lost())

    def _retry(self, verdict: Verdict) -> None:
        with self._ledger.changed:
            self._backlog.pause()
            self._failures += 1
            self.failing = True
            self.outage.begins()
            waiting = self._backlog.items
            self._ledger.changed.notify_all()
        if waiting:
            self._report.failed(verdict.reason, waiting=waiting, lost=self._ledger.lost())
        delay = verdict.retry_after
        delay = backoff(self._failures) if delay is None else delay
        self._nudge.wait(min(delay, max(0.0, self._remaining())))
        self._nudge.clear()

    def _refused(self, chunk: Chunk, verdict: Verdict) -> None:
        """Split what may hold one bad item; drop what cannot be split or was refused as such."""
        splits = verdict.kind == "split" and self._refusals < _REFUSALS
        halves = chunk.halves() if splits else ()
        with self._ledger.changed:
            self._refusals += 1
            self._backlog.finish(halves)
        if chunk.items and not halves:
            self._ledger.drop(chunk.items, verdict.reason)

    def in_flight(self) -> int:
        """Return how many items are being sent."""
        with self._ledger.changed:
            return self._backlog.in_flight

    def nudge(self) -> None:
        """Try again now instead of after the delay."""
        if self.failing:
            self._nudge.set()

    def close(self) -> None:
        """Send nothing more; what is being sent is abandoned to its thread."""
        with self._ledger.changed:
            self._closed = True
            if self._thread is None:
                self._outlet.close()
        self._nudge.set()

    def stop_at(self, end: float | None) -> None:
        """Send nothing after *end*, a time of ``time.monotonic``; None is no end."""
        self._end = end

    def _remaining(self) -> float:
        return math.inf if self._end is None else self._end - time.monotonic()

    def _seconds(self) -> float:
        """Return how long a request that starts now may take."""
        return max(0.05, min(self._timeout, self._remaining()))
