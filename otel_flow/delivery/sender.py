"""From the backlog to the backend: one request at a time, again until it is taken or refused."""

from __future__ import annotations

import math
import os
import threading
import time

from typing import TYPE_CHECKING

from otel_flow.delivery.outage import Outage
from otel_flow.delivery.suppression import suppressed
from otel_flow.delivery.verdict import Verdict, backoff
from otel_flow.process.bell import Bell
from otel_flow.process.fork import stop_copy


if TYPE_CHECKING:
    from otel_flow.delivery.backlog import Backlog
    from otel_flow.delivery.chunk import Chunk
    from otel_flow.delivery.ledger import Ledger
    from otel_flow.delivery.outlet import Outlet
    from otel_flow.delivery.reach import Reach
    from otel_flow.delivery.report import Report


_REFUSALS = 64
"""Refusals in a row after which requests are dropped whole instead of split."""


class Sender:
    """
    Empties *backlog* into *outlet*, on a thread that lives while something waits.

    Where no thread can be started, whoever may block does it by `send_here`. Nobody
    else talks to the outlet. The backlog is guarded by the condition of *ledger*.
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
        reach: Reach,
    ) -> None:
        self._name = name
        self._ledger = ledger
        self._outlet = outlet
        self._report = report
        self._timeout = timeout
        self.outage = Outage()
        self.reach = reach
        self.renew(backlog)

    def renew(self, backlog: Backlog) -> None:
        """Start anew, as in a forked child: nobody sends, nothing has failed, nothing is shared."""
        self._backlog = backlog
        self._nudge = Bell()
        self._thread: threading.Thread | None = None
        self._failures = self._refusals = 0
        self.next_try: float | None = None
        """When `send_here` is to send what waits; None where a thread does, or nothing waits."""
        self._closed = False
        self.failing = False
        self._outlet.close()

    def start(self) -> bool:
        """See to it that a thread sends; False where something waits and none can be started."""
        with self._ledger.changed:
            self.next_try = None
            if self._thread is not None or not len(self._backlog) or self._closed:
                return True
            thread = threading.Thread(target=self._send_all, name=self._name, daemon=True)
            self._thread = thread
        # The interpreter's exit refuses threads in Python 3.12.0 to 3.12.2 (cpython#113964),
        # and so does a container that has as many as it may.
        try:
            thread.start()
        except RuntimeError:
            with self._ledger.changed:
                self._thread = None
                self.next_try = time.monotonic()
            return False
        return True

    def send_here(self, end: float | None) -> None:
        """
        Send on the caller's thread, for as long as it goes well and at most until *end*.

        *end* is a time of ``time.monotonic``, None where nobody waits. After a failure the
        caller is to come again at ``next_try``, and others are not kept waiting.
        """
        with self._ledger.changed:
            if self._thread is not None:
                return
            self._thread = threading.current_thread()
            self.next_try = None
        self._send_all(end, here=True)

    def _send_all(self, end: float | None = None, *, here: bool = False) -> None:
        born = os.getpid()
        with suppressed():
            while (chunk := self._next(end)) is not None:
                # A fault of ours, or of a meter provider that counts us, must not end
                # the sender: its data would wait for ever.
                try:
                    delay = self._attempt(chunk, end, born)
                except Exception as error:
                    delay = self._failed(Verdict("retry", f"{type(error).__name__}: {error}"))
                if delay is None:
                    continue
                if here:
                    self._leave(time.monotonic() + delay)
                    return
                self._nudge.wait(delay)
                stop_copy(born)

    def _next(self, end: float | None) -> Chunk | None:
        with self._ledger.changed:
            late = end is not None and time.monotonic() >= end
            chunk = None if self._closed or late else self._backlog.begin()
            if chunk is None:
                self._leave(end if late and len(self._backlog) else None)
            return chunk

    def _leave(self, next_try: float | None) -> None:
        with self._ledger.changed:
            self._thread = None
            if self._closed:
                self._outlet.close()
            else:
                self.next_try = next_try
            self._ledger.changed.notify_all()

    def _attempt(self, chunk: Chunk, end: float | None, born: int) -> float | None:
        """Send *chunk*; return the seconds to wait where it is to be sent again, else None."""
        remaining = math.inf if end is None else end - time.monotonic()
        self.outage.asks()
        started = time.monotonic()
        verdict = self._outlet.post(chunk, max(0.05, min(self._timeout, remaining)))
        stop_copy(born)
        if verdict.unreached:
            self.reach.miss()
        else:
            self.reach.meet()
        if verdict.kind != "retry":
            self.outage.ends(time.monotonic() - started)
        if verdict.doubtful:
            self._ledger.double(chunk.items)
        if verdict.kind == "retry":
            return self._failed(verdict)
        if verdict.kind == "delivered":
            self._delivered(chunk, verdict)
        else:
            self._refused(chunk, verdict)
        return None

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

    def _failed(self, verdict: Verdict) -> float:
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
        return backoff(self._failures) if delay is None else delay

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
            self._nudge.ring()

    def close(self) -> None:
        """Send nothing more; what is being sent is abandoned to its thread."""
        with self._ledger.changed:
            self._closed = True
            if self._thread is None:
                self._outlet.close()
        self._nudge.ring()
