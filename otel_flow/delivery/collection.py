"""Collecting metrics: at the interval, on a thread of its own, so that callbacks stall nothing."""

from __future__ import annotations

import contextlib
import threading
import time

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData

from otel_flow.delivery.births import APART, Births
from otel_flow.delivery.encoding import metric_points
from otel_flow.delivery.pace import step
from otel_flow.delivery.report import logger
from otel_flow.delivery.scrape import Scrape
from otel_flow.delivery.suppression import suppressed
from otel_flow.names.delivery import SCOPE
from otel_flow.process.frames import is_interrupting


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from otel_flow.delivery.births import Stream
    from otel_flow.delivery.lane import Lane


_LOCKING = ("opentelemetry.sdk.metrics", "otel_flow.providers", "otel_flow.delivery")
"""Whose frames may hold a lock that a collection needs."""
_FREED = 64
"""Points that are freed in one piece."""


def _ignore(seconds: float, error: str | None) -> None:
    """Record nothing of a collection, as long as there is no meter provider."""


class FlowMetricReader(MetricReader):
    """The SDK's view of the engine: whatever is collected goes to *lane*."""

    def __init__(
        self,
        lane: Lane,
        *,
        flush: Callable[[float], bool],
        timeout: float,
        preferred_temporality: Mapping[type, Any],
        preferred_aggregation: Mapping[type, Any],
        since: Callable[[], int | None] = lambda: None,
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            preferred_temporality=dict(preferred_temporality),
            preferred_aggregation=dict(preferred_aggregation),
        )
        self._lane = lane
        self.cumulative = AggregationTemporality.DELTA not in preferred_temporality.values()
        self._flush = flush
        self._timeout = timeout
        self.births = Births(since, observed=self._observed)
        self.scrape = Scrape(self)
        self.begin = begin
        """Called when an instrument records for the first time in this process."""

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any
    ) -> None:
        del timeout_millis
        metrics_data = self.scrape.passing(metrics_data)
        if (zeros := self.births.of(metrics_data)) is not None:
            self._lane.feed([zeros], metric_points(zeros), lasting=True)
        self._lane.feed([metrics_data], metric_points(metrics_data))
        _let_go(metrics_data)

    def is_attached(self) -> bool:
        """Return whether there is a meter provider yet; without one the SDK warns of collecting."""
        # Where the SDK calls it otherwise we cannot know, and a warning of its own does no harm.
        return getattr(self, "_collect", self) is not None

    def has_callbacks(self) -> bool:
        """Return whether others than the engine have values observed."""
        return any(scope != SCOPE for scope, _ in self._observed())

    def _observed(self) -> set[Stream]:
        """Return the streams that callbacks of the instruments' owners give their values."""
        consumer = getattr(getattr(self, "_collect", None), "__self__", None)
        instruments = getattr(consumer, "_async_instruments", ())
        return {(i.instrumentation_scope.name, i.name) for i in list(instruments)}

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect and deliver; see `Pipeline.force_flush`."""
        return self._flush(timeout_millis / 1000)

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Deliver what there is; the engine itself is stopped by its pipeline."""
        self._flush(min(timeout_millis / 1000, self._timeout))


def _let_go(data: MetricsData) -> None:
    """Free the points of *data*, which nobody else has, in slices: at once 2 000 take 1 ms."""
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = metric.data.data_points
                while isinstance(points, list) and points:
                    del points[-_FREED:]
                    step()


class Collection:
    """Collects from *reader* every *interval* seconds, never twice at a time."""

    def __init__(self, reader: FlowMetricReader, *, interval: float, timeout: float) -> None:
        self.reader = reader
        self._interval = interval
        self._timeout = timeout
        self.on_collected: Callable[[float, str | None], None] = _ignore
        self.confirm: Callable[[], object] = lambda: None
        """Called before each collection, to see that the resource still holds."""
        self.renew()

    def renew(self) -> None:
        """Start anew, as in a forked child."""
        # Reentrant: a signal handler that flushes may interrupt the thread that holds it.
        self._starting = threading.RLock()
        self._collecting = threading.Lock()
        self._holders: list[None] = []
        self._thread: threading.Thread | None = None
        self._next = time.monotonic() + self._interval
        self._said_stuck = False
        self._began = time.monotonic()
        self._last = 0
        self.reader.births.renew()
        self.reader.scrape.renew()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """
        Start no collection that is due, until the block ends.

        It would put later values into the place of those that somebody waits for.
        """
        # Atomic without a lock, which a signal might find held by the thread it interrupts.
        self._holders.append(None)
        try:
            yield
        finally:
            self._holders.pop()

    def run_if_due(self, now: float) -> float:
        """Start a collection where one is due; return when the next one is."""
        if now >= self._next:
            self._next = max(self._next + self._interval, now)
            if self._is_running():
                self._say_stuck(now)
            elif not self._holders and self.reader.is_attached() and self._start() is None:
                self._collect_here()
        return self._next

    def run_now(self, end: float) -> bool:
        """Collect and return by *end* whether a collection that began after now was completed."""
        if not self.reader.is_attached():
            return True
        # Not while another flush starts one: its thread may be at work before it is known, and
        # would pass for one that began after now.
        with self._starting:
            running = self._thread
        if running is not None:
            running.join(max(0.0, end - time.monotonic()))
        thread = self._start()
        if thread is None:
            return self._collect_here()
        thread.join(max(0.0, end - time.monotonic()))
        return thread is not running and not thread.is_alive()

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> threading.Thread | None:
        """Return the thread of the collection that runs now, None where none can be had."""
        with self._starting:
            if self._is_running():
                return self._thread
            thread = threading.Thread(
                target=self._collect_in_turn, name="otel-flow-collect", daemon=True
            )
            # No new threads at interpreter exit.
            try:
                thread.start()
            except RuntimeError:
                self._thread = None
            else:
                self._thread = thread
            return self._thread

    def _collect_in_turn(self) -> None:
        # Whoever was interrupted in starting one knows nothing of those that were started meanwhile.
        with self._collecting:
            self._collect()

    def _collect_here(self) -> bool:
        """Collect on this thread; False where it, or another one, is at it already."""
        if is_interrupting(_LOCKING) or not self._collecting.acquire(blocking=False):
            return False
        try:
            self._collect()
        finally:
            self._collecting.release()
        return True

    def _collect(self) -> None:
        started = self._began = time.monotonic()
        failed = None
        with suppressed():
            # Callbacks are the application's own; the SDK raises what they and its time-out raise.
            try:
                self.confirm()
                self._keep_apart()
                self.reader.collect(timeout_millis=self._timeout * 1000)
            except Exception as error:
                failed = type(error).__name__
                logger.warning("a collection of metrics failed: %s", error)
            self.on_collected(time.monotonic() - started, failed)

    def _keep_apart(self) -> None:
        """Wait until a zero, or the last collection, lies two milliseconds back."""
        before = max(self._last, self.reader.births.since or 0)
        if (early := before + APART - time.time_ns()) > 0:
            time.sleep(min(early, APART) / 1e9)
        self._last = time.time_ns()

    def _say_stuck(self, now: float) -> None:
        if not self._said_stuck and now - self._began > self._timeout:
            self._said_stuck = True
            logger.warning("a collection of metrics hangs in a callback; spans and logs go on")
