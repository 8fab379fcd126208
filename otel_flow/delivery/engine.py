"""The engine: one thread that empties the queues, and one deadline for whoever waits for it."""

from __future__ import annotations

import contextlib
import os
import threading
import time

from typing import TYPE_CHECKING

from otel_flow.delivery.accounting import SUPERSEDED, FlushReport
from otel_flow.delivery.reach import Reach
from otel_flow.delivery.report import logger, report_left_behind
from otel_flow.delivery.suppression import suppressed
from otel_flow.process.bell import Bell
from otel_flow.process.fork import stop_copy


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.delivery.accounting import Accounting
    from otel_flow.delivery.collection import Collection
    from otel_flow.delivery.lane import Lane
    from otel_flow.delivery.ledger import Mark


_STILL = 0.1
"""Seconds that a fork waits at most until what it must not copy has ended."""
_LOOK = 0.1
"""Seconds after which a child looks again for what its family knows of a backend."""


class Engine:
    """Drives the lanes and the collection of metrics."""

    def __init__(self, changed: threading.Condition) -> None:
        self.lanes: dict[str, Lane] = {}
        self.collection: Collection | None = None
        self.changed = changed
        self._is_child = False
        self._reaches: dict[str, Reach] = {}
        self._reset()

    def _reset(self) -> None:
        self._wakes = Bell()
        self._thread: threading.Thread | None = None
        self._flushing = False
        self._asking = False
        self._collected = True
        self._stopped = False
        self._said: dict[str, int] | None = None

    def reach_of(self, server: str) -> Reach:
        """Return what all lanes to *server* share."""
        return self._reaches.setdefault(server, Reach())

    def wake(self) -> None:
        """Have the worker look at the queues; the first call starts it."""
        self._wakes.ring()
        if self._thread is None and not self._stopped:
            self._start()

    def _start(self) -> bool:
        """Start the worker and return whether there is one."""
        thread = threading.Thread(target=self._run, name="otel-flow", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            # None can be had (see `Sender.start`): what waits is sent by whoever flushes.
            self._thread = None
        return self._thread is not None

    def before_fork(self) -> None:
        """Hold what a fork must not copy in motion; see `after_fork_in_parent`."""
        for lane in self.lanes.values():
            lane.outlet.hold()
        end = time.monotonic() + _STILL
        while not all(lane.outlet.is_still() for lane in self.lanes.values()):
            if time.monotonic() >= end:
                return
            time.sleep(_STILL / 50)

    def after_fork_in_parent(self) -> None:
        """
        Go on where `before_fork` has held, and find out for the child which backends answer.

        A child that lives for one task has no time for that.
        """
        for lane in self.lanes.values():
            lane.outlet.release()
        if not self._stopped and any(lane.is_unknown() for lane in self.lanes.values()):
            self._asking = True
            self.wake()

    def after_fork(self) -> None:
        """
        Start anew in a forked child: the parent delivers what the parent has produced.

        The worker starts with the first item or measurement; at once only where
        callbacks are to be asked although nobody may record anything.
        """
        self._is_child = True
        self.changed = threading.Condition()
        stopped = self._stopped
        self._reset()
        self._stopped = stopped
        for lane in self.lanes.values():
            lane.renew(self.changed)
        if self.collection is not None:
            self.collection.renew()
            if not stopped and self.collection.reader.has_callbacks():
                self._start()

    # The worker

    def _run(self) -> None:
        born = os.getpid()
        with suppressed():
            while not self._stopped:
                # One fault must not end the only thread that empties the queues.
                try:
                    due = self._turn(time.monotonic())
                except Exception as error:
                    logger.exception("the engine stumbled: %s", type(error).__name__)
                    due = time.monotonic() + 1.0
                self._wakes.wait(None if due is None else due - time.monotonic())
                stop_copy(born)

    def _turn(self, now: float) -> float | None:
        """Do what is due and return when something is due next."""
        flushing, self._flushing = self._flushing, False
        asking, self._asking = self._asking, False
        for lane in self.lanes.values():
            if flushing or lane.is_due(now):
                lane.pump()
            elif asking:
                lane.ask()
        # Before the lanes are asked, which may have got to send what it has collected.
        times = [self.collection.run_if_due(now) if self.collection else None]
        times += [lane.next_due(now) for lane in self.lanes.values()]
        times += [lane.summarise(now) for lane in self.lanes.values()]
        return min((due for due in times if due is not None), default=None)

    # Whoever waits

    def flush(self, timeout: float, *, at_end: bool = False) -> bool:
        """
        Deliver what there is now and return within *timeout* whether all of it arrived.

        The *at_end* of the process it is earlier where nothing has been reached, see `Reach`.
        """
        if self._stopped:
            return True
        start = time.monotonic()
        end = start + timeout
        lost = {name: lane.ledger.lost() for name, lane in self.lanes.items()}
        # Nothing else waits for callbacks that may take all the time there is.
        if self._thread is not None:
            self._rush()
        with self.collection.held() if self.collection else contextlib.nullcontext():
            collected = self.collection is None or self.collection.run_now(end)
            marks = {name: lane.ledger.mark() for name, lane in self.lanes.items()}
            self._push(end)
            done = self._await(marks, lambda lanes: self._end(lanes, start, end, at_end=at_end))
        self._collected = collected
        if not done:
            self._note_silence(marks)
        return (
            done
            and collected
            and all(lane.ledger.lost() == lost[n] for n, lane in self.lanes.items())
        )

    def _rush(self) -> None:
        """Have the worker empty the queues now, and senders try again."""
        self._flushing = True
        for lane in self.lanes.values():
            lane.sender.nudge()
        self.wake()

    def _push(self, end: float) -> None:
        if self._thread is None and not self._start():
            self._drain(end)
        self._rush()

    def _drain(self, end: float) -> None:
        """Encode and send on the caller's thread, by turns, until all is sent or *end*."""
        while True:
            for lane in self.lanes.values():
                lane.pump(end)
            tries = (lane.sender.next_try for lane in self.lanes.values())
            due = min((at for at in tries if at is not None), default=end)
            if due >= end:
                return
            time.sleep(max(0.0, due - time.monotonic()))

    def _await(self, marks: dict[str, Mark], end: Callable[[list[Lane]], float]) -> bool:
        with self.changed:
            while waiting := self._waiting(marks):
                remaining = end(waiting) - time.monotonic()
                if remaining <= 0:
                    return False
                self.changed.wait(min(remaining, _LOOK) if self._is_child else remaining)
        return True

    def _waiting(self, marks: dict[str, Mark]) -> list[Lane]:
        """Return the lanes on which something before *marks* has not arrived yet."""
        # Another flush may have put later values into the place of those that we wait
        # for: then it is these that are to arrive.
        for name, mark in marks.items():
            marks[name] = self.lanes[name].ledger.moved(mark)
        lanes = ((self.lanes[name], mark) for name, mark in marks.items())
        return [lane for lane, mark in lanes if not lane.ledger.reached(mark)]

    def _end(self, waiting: list[Lane], start: float, end: float, *, at_end: bool) -> float:
        """Return the deadline, nearer for a child whose backends seem gone or were never there."""
        if self._is_child:
            return min(end, max(lane.sender.outage.patience(start) for lane in waiting))
        if at_end:
            return max(lane.sender.reach.patience(start, end) for lane in waiting)
        return end

    def _note_silence(self, marks: Mapping[str, Mark]) -> None:
        """Let the processes of this family know which backends let a whole deadline pass."""
        for name, mark in marks.items():
            lane = self.lanes[name]
            if lane.sender.in_flight() and not lane.ledger.reached(mark):
                lane.sender.outage.begins()

    def finish(self, timeout: float) -> bool:
        """Deliver what there is at what is probably the end; say what is left behind if it is."""
        delivered = self.flush(timeout, at_end=True)
        if not delivered:
            self._say_left(self._report(delivered))
        return delivered

    def shutdown(self, timeout: float) -> FlushReport:
        """Deliver what there is, stop, and say what was left; later calls repeat the answer."""
        end = time.monotonic() + timeout
        delivered = self.flush(timeout, at_end=True)
        if delivered and any(len(lane.queue) for lane in self.lanes.values()):
            # Threads and greenlets of a server go on until the process has ended.
            delivered = self.flush(max(0.0, end - time.monotonic()))
        already = self._stopped
        self._stopped = True
        self._wakes.ring()
        for lane in self.lanes.values():
            lane.close()
        report = self._report(delivered)
        if not already:
            self._say_left(report)
        return report

    def _say_left(self, report: FlushReport) -> None:
        """Say it, unless it was said already at another end of this process."""
        # Each end collects metrics once more.
        said = {signal: left for signal, left in report.left_behind.items() if signal != "metrics"}
        if self._said != said:
            report_left_behind(report.left_behind, report.dropped)
            if not self._collected:
                logger.warning(
                    "left behind at shutdown: metrics that could not be collected in time"
                )
        self._said = said

    def _report(self, delivered: bool) -> FlushReport:
        numbers = self.accounting()
        dropped: dict[str, int] = {}
        for accounting in numbers.values():
            for reason, items in accounting.dropped.items():
                if reason != SUPERSEDED:
                    dropped[reason] = dropped.get(reason, 0) + items
        left = {signal: accounting.waiting for signal, accounting in numbers.items()}
        complete = delivered and not any(left.values())
        return FlushReport(delivered=complete, left_behind=left, dropped=dropped)

    def accounting(self) -> dict[str, Accounting]:
        """Return the numbers of each signal."""
        return {signal: lane.ledger.accounting() for signal, lane in self.lanes.items()}
