"""The instruments of database clients, one set for all engines of a telemetry."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from otel_flow.names import database as names
from otel_flow.process.fork import on_fork


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from otel_flow.instrumentation.sqlalchemy.pools import PoolUse
    from otel_flow.names.model import Metric
    from otel_flow.telemetry import Telemetry


SCOPE = "otel_flow.sqlalchemy"


class DatabaseMetrics:
    """The histograms, and the pools that are asked for their numbers at collection."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meter_provider.get_meter(SCOPE)
        self.duration = _histogram(meter, names.OPERATION_DURATION)
        self.create_time = _histogram(meter, names.POOL_CREATE_TIME)
        self.wait_time = _histogram(meter, names.POOL_WAIT_TIME)
        self.use_time = _histogram(meter, names.POOL_USE_TIME)
        self.timeouts = meter.create_counter(
            names.POOL_TIMEOUTS.name,
            unit=names.POOL_TIMEOUTS.unit,
            description=names.POOL_TIMEOUTS.brief,
        )
        self._pools: weakref.WeakValueDictionary[int, PoolUse] = weakref.WeakValueDictionary()
        for metric, observe in (
            (names.POOL_COUNT, _count),
            (names.POOL_MAX, _maximum),
            (names.POOL_PENDING, _pending),
        ):
            meter.create_observable_up_down_counter(
                metric.name,
                callbacks=[_weak(self, observe)],
                unit=metric.unit,
                description=metric.brief,
            )
        # Whoever waited for a connection at the fork waits in the parent only.
        weakref.finalize(self, on_fork(child=self._forget_waiting)).atexit = False

    def add(self, use: PoolUse) -> None:
        """Ask *use* for its numbers, for as long as it exists."""
        self._pools[id(use)] = use

    def pools(self) -> list[PoolUse]:
        """Return what is to be asked."""
        return [use for ref in self._pools.valuerefs() if (use := ref()) is not None]

    def _forget_waiting(self) -> None:
        for use in self.pools():
            use.waiting.clear()


def _count(uses: list[PoolUse]) -> Iterable[Observation]:
    counts: dict[tuple[str, str], int] = {}
    for use in uses:
        for state, count in zip(("idle", "used"), use.connections(), strict=True):
            counts[use.name, state] = counts.get((use.name, state), 0) + count
    for (name, state), count in counts.items():
        yield Observation(count, {names.POOL_NAME.name: name, names.STATE.name: state})


def _maximum(uses: list[PoolUse]) -> Iterable[Observation]:
    return _sums((use.name, use.maximum()) for use in uses)


def _pending(uses: list[PoolUse]) -> Iterable[Observation]:
    return _sums((use.name, len(use.waiting)) for use in uses)


def _sums(values: Iterable[tuple[str, int | None]]) -> Iterable[Observation]:
    """Yield the sum for each name: two engines for one database share theirs."""
    sums: dict[str, int] = {}
    for name, value in values:
        if value is not None:
            sums[name] = sums.get(name, 0) + value
    for name, value in sums.items():
        yield Observation(value, {names.POOL_NAME.name: name})


def _weak(
    metrics: DatabaseMetrics, observe: Callable[[list[PoolUse]], Iterable[Observation]]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Return a callback that keeps *metrics* from nothing: the meter never forgets one."""
    reference = weakref.ref(metrics)

    def callback(_options: CallbackOptions) -> Iterable[Observation]:
        found = reference()
        return () if found is None else observe(found.pools())

    return callback


_metrics: weakref.WeakKeyDictionary[Any, DatabaseMetrics] = weakref.WeakKeyDictionary()


def metrics_of(telemetry: Telemetry) -> DatabaseMetrics:
    """Return the metrics of *telemetry*; all its engines share them."""
    found = _metrics.get(telemetry)
    if found is None:
        found = _metrics[telemetry] = DatabaseMetrics(telemetry)
    return found


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )
