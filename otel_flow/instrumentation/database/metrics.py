"""The instruments of database clients, one set for all clients of one library."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.metrics import Observation

from otel_flow.names import database as names
from otel_flow.process.fork import on_fork


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sized

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from otel_flow.names.model import Metric
    from otel_flow.telemetry import Telemetry


class PoolNumbers(Protocol):
    """A pool, or several under one name, that can be asked for their numbers."""

    @property
    def name(self) -> str:
        """The name that the metrics have."""

    @property
    def waiting(self) -> Sized:
        """Those who have asked for a connection and have none yet."""

    def connections(self) -> tuple[int, int]:
        """Return how many open connections are idle, and how many are used."""

    def maximum(self) -> int | None:
        """Return how many connections are allowed; None where no bound is set."""

    def forget_waiting(self) -> None:
        """Forget who waits: in a forked child nobody does."""


class DatabaseMetrics:
    """The histograms, and the pools that are asked for their numbers at collection."""

    def __init__(self, telemetry: Telemetry, scope: str) -> None:
        meter = telemetry.meter_provider.get_meter(scope)
        self.duration = _histogram(meter, names.OPERATION_DURATION)
        self.create_time = _histogram(meter, names.POOL_CREATE_TIME)
        self.wait_time = _histogram(meter, names.POOL_WAIT_TIME)
        self.use_time = _histogram(meter, names.POOL_USE_TIME)
        self.timeouts = meter.create_counter(
            names.POOL_TIMEOUTS.name,
            unit=names.POOL_TIMEOUTS.unit,
            description=names.POOL_TIMEOUTS.brief,
        )
        self._pools: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
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

    def add(self, pool: PoolNumbers) -> None:
        """Ask *pool* for its numbers, for as long as it exists."""
        self._pools[id(pool)] = pool

    def remove(self, pool: PoolNumbers) -> None:
        """Ask *pool* no more."""
        self._pools.pop(id(pool), None)

    def pools(self) -> list[PoolNumbers]:
        """Return what is to be asked."""
        return [pool for ref in self._pools.valuerefs() if (pool := ref()) is not None]

    def _forget_waiting(self) -> None:
        for pool in self.pools():
            pool.forget_waiting()


def _count(pools: list[PoolNumbers]) -> Iterable[Observation]:
    counts: dict[tuple[str, str], int] = {}
    for pool in pools:
        for state, count in zip(("idle", "used"), pool.connections(), strict=True):
            counts[pool.name, state] = counts.get((pool.name, state), 0) + count
    for (name, state), count in counts.items():
        yield Observation(count, {names.POOL_NAME.name: name, names.STATE.name: state})


def _maximum(pools: list[PoolNumbers]) -> Iterable[Observation]:
    return _sums((pool.name, pool.maximum()) for pool in pools)


def _pending(pools: list[PoolNumbers]) -> Iterable[Observation]:
    return _sums((pool.name, len(pool.waiting)) for pool in pools)


def _sums(values: Iterable[tuple[str, int | None]]) -> Iterable[Observation]:
    """Yield the sum for each name: two clients of one database share theirs."""
    sums: dict[str, int] = {}
    for name, value in values:
        if value is not None:
            sums[name] = sums.get(name, 0) + value
    for name, value in sums.items():
        yield Observation(value, {names.POOL_NAME.name: name})


def _weak(
    metrics: DatabaseMetrics, observe: Callable[[list[PoolNumbers]], Iterable[Observation]]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Return a callback that keeps *metrics* from nothing: the meter never forgets one."""
    reference = weakref.ref(metrics)

    def callback(_options: CallbackOptions) -> Iterable[Observation]:
        found = reference()
        return () if found is None else observe(found.pools())

    return callback


_metrics: weakref.WeakKeyDictionary[Any, dict[str, DatabaseMetrics]] = weakref.WeakKeyDictionary()


def metrics_of(telemetry: Telemetry, scope: str) -> DatabaseMetrics:
    """Return the metrics of *telemetry* under *scope*; all clients of one library share them."""
    scopes = _metrics.setdefault(telemetry, {})
    if scope not in scopes:
        scopes[scope] = DatabaseMetrics(telemetry, scope)
    return scopes[scope]


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )
