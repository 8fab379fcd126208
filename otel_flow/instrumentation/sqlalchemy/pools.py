"""
What the connection pools of one engine hold, asked of the pools themselves.

An engine has several pools over time: `Engine.dispose` makes a new one, and what was
borrowed from the old one goes back there. Numbers that are added up while connections
come and go drift (detached, invalidated, forked ones never come back), so only times
are recorded as they happen.
"""

from __future__ import annotations

import weakref

from time import perf_counter
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AssertionPool, QueuePool, SingletonThreadPool, StaticPool

from otel_flow.instrumentation.sqlalchemy.quiet import heard
from otel_flow.names import database as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    from otel_flow.instrumentation.database.metrics import DatabaseMetrics


_USE = "_otel_flow_use"
"""Attribute of a connection record: the `PoolUse` that it counts for."""
_SINCE = "_otel_flow_since"
"""Attribute of a connection record: when it was borrowed, absent while it is idle."""


class PoolUse:
    """The pools of one engine, under the one name that their metrics have."""

    def __init__(self, name: str, metrics: DatabaseMetrics) -> None:
        attributes = {names.POOL_NAME.name: name}
        self.name = name
        self.waiting: dict[object, None] = {}
        """Callers that have asked for a connection and have none yet."""
        self._wait_time = bind(metrics.wait_time, attributes)
        self._use_time = bind(metrics.use_time, attributes)
        self._create_time = bind(metrics.create_time, attributes)
        self._timeouts = bind(metrics.timeouts, attributes)
        self._pools: weakref.WeakValueDictionary[int, Pool] = weakref.WeakValueDictionary()
        self._records: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        metrics.add(self)

    def borrow(
        self, engine: Engine, connect: Callable[..., Any], *arguments: Any, **keywords: Any
    ) -> Any:
        """Return what *connect* does: a connection of the pool of *engine*."""
        pool = engine.pool
        if id(pool) not in self._pools:
            self._adopt(pool)
        caller = object()
        self.waiting[caller] = None
        begun = perf_counter()
        try:
            connection = connect(engine, *arguments, **keywords)
        except PoolTimeoutError:
            self._timeouts.add(1)
            raise
        finally:
            del self.waiting[caller]
        now = perf_counter()
        self._wait_time.record(now - begun)
        record = connection._connection_record
        if record is not None:
            held = record.__dict__
            held[_SINCE] = now
            if held.get(_USE) is not self:
                held[_USE] = self
                self._records[id(record)] = record
        return connection

    def returned(self, held: dict[str, Any]) -> None:
        """Record how long a connection was borrowed; *held* is what its record holds."""
        since = held.pop(_SINCE, None)
        if since is not None:
            self._use_time.record(perf_counter() - since)

    def connections(self) -> tuple[int, int]:
        """Return how many open connections are idle, and how many are used."""
        idle: set[int] = set()
        used: set[int] = set()
        for record in _alive(self._records):
            if record.dbapi_connection is not None:
                (used if record.in_use else idle).add(id(record))
        borrowed = 0
        for pool in _alive(self._pools):
            if isinstance(pool, QueuePool) and (queue := _queue(pool)) is not None:
                idle.update(id(record) for record in queue if record.dbapi_connection is not None)
                borrowed += pool.checkedout()
        # What was borrowed before we were there only the pool knows; a disposed one
        # forgets what is borrowed from it.
        return len(idle - used), max(len(used), borrowed)

    def maximum(self) -> int | None:
        """Return how many connections the pool of the engine allows; None where no bound is set."""
        pools = _alive(self._pools)
        return _maximum(pools[-1]) if pools else None

    def forget_waiting(self) -> None:
        """Forget who waits: in a forked child nobody does."""
        self.waiting.clear()

    def forget(self) -> None:
        """Leave the pools as they were."""
        for pool in _alive(self._pools):
            if isinstance(pool._invoke_creator, _Creator):
                pool._invoke_creator = pool._invoke_creator.create
        self._pools.clear()
        self._records.clear()

    def _adopt(self, pool: Pool) -> None:
        """Count *pool*, and have it time the connections that it makes."""
        if not isinstance(pool._invoke_creator, _Creator):
            creator: Any = _Creator(pool._invoke_creator, self._create_time)
            pool._invoke_creator = creator
        self._pools[id(pool)] = pool


class _Creator:
    """Makes connections for a pool, and records how long that took."""

    def __init__(self, create: Callable[[Any], Any], create_time: Any) -> None:
        self.create = create
        self._create_time = create_time

    def __call__(self, record: Any) -> Any:
        begun = perf_counter()
        connection = heard(self.create, record)
        self._create_time.record(perf_counter() - begun)
        return connection


def checked_in(_connection: Any, record: Any) -> None:
    """Record that a connection goes back to its pool; a listener of every pool's ``checkin``."""
    held = record.__dict__
    use = held.get(_USE)
    if use is not None:
        use.returned(held)


def _alive(items: weakref.WeakValueDictionary[int, Any]) -> list[Any]:
    return [item for ref in items.valuerefs() if (item := ref()) is not None]


def _queue(pool: QueuePool) -> Iterable[Any] | None:
    """Return the records that wait in *pool*; None where it has not been asked for any yet."""
    queue: Any = pool._pool
    if not hasattr(queue, "queue"):
        # That of asyncio is made by the first event loop that asks for it; never by us.
        queue = vars(queue).get("_queue")
        return None if queue is None else queue._queue.copy()
    return queue.queue.copy()  # type: ignore[no-any-return]


def _maximum(pool: Pool) -> int | None:
    if isinstance(pool, QueuePool):
        return None if pool._max_overflow < 0 else pool.size() + pool._max_overflow
    if isinstance(pool, StaticPool | AssertionPool):
        return 1
    if isinstance(pool, SingletonThreadPool):
        return pool.size
    return None
