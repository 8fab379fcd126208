"""
What the connection pools of one server hold, asked of the pools themselves.

redis-py borrows a connection for each command, so the time that one is used is the
duration of the command; what is recorded besides is the time to connect and, where a
pool makes its callers wait, the time they waited.
"""

from __future__ import annotations

import weakref

from time import perf_counter
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError

from otel_flow.instrumentation.redis.address import nodes_of
from otel_flow.names import database as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_flow.instrumentation.database.metrics import DatabaseMetrics
    from otel_flow.providers.bound import BoundInstrument


SERVER = "_otel_flow_server"
"""Attribute of a pool or a cluster's client: what records it, None for nothing."""

_EXHAUSTED = frozenset({"Too many connections", "No connection available.", ""})
"""Texts of the errors with which a pool has no connection left, as they are in every version."""


class PoolUse:
    """The pool of one server, or the pools of one cluster, under the name of their metrics."""

    def __init__(self, owner: Any, name: str, metrics: DatabaseMetrics) -> None:
        attributes = {names.POOL_NAME.name: name}
        self.name = name
        self.waiting: dict[object, None] = {}
        """Callers that have asked for a connection and have none yet."""
        self._owner = weakref.ref(owner)
        self._metrics = metrics
        self._wait_time = bind(metrics.wait_time, attributes)
        self._create_time = bind(metrics.create_time, attributes)
        self._timeouts = bind(metrics.timeouts, attributes)
        metrics.add(self)

    def connections(self) -> tuple[int, int]:
        """Return how many open connections are idle, and how many are used."""
        idle = used = 0
        for pool in self._pools():
            resting, borrowed = _held_by(pool)
            idle += sum(map(_is_open, resting))
            used += borrowed
        return idle, used

    def maximum(self) -> int | None:
        """Return how many connections are allowed; None where no bound is set."""
        bounds = [pool.max_connections for pool in self._pools()]
        unbounded = not bounds or any(bound >= _UNBOUNDED for bound in bounds)
        return None if unbounded else sum(bounds)

    def wait(self) -> Wait:
        """Return a block in which somebody waits for a connection."""
        return Wait(self.waiting, self._wait_time)

    def time_first_connect(self, connection: Any) -> None:
        """Record how long *connection*, which was just made, takes to connect."""
        _FirstConnect(connection, self._create_time)

    def failed(self, error: BaseException) -> None:
        """Count *error* if it says that no connection was left."""
        if isinstance(error, RedisConnectionError) and _is_exhaustion(error):
            self._timeouts.add(1)

    def forget_waiting(self) -> None:
        """Forget who waits: in a forked child nobody does."""
        self.waiting.clear()

    def forget(self) -> None:
        """Be asked no more."""
        self._metrics.remove(self)

    def _pools(self) -> Iterable[Any]:
        """Return the pools; those of a cluster's nodes that are recorded on their own excepted."""
        owner = self._owner()
        if owner is None:
            return []
        nodes = nodes_of(owner)
        if nodes is None:
            return [owner]
        pools = []
        for node in list(nodes.nodes_cache.values()):
            client = getattr(node, "redis_connection", None)
            pool = node if client is None else client.connection_pool
            if hasattr(pool, "max_connections") and getattr(pool, SERVER, None) is None:
                pools.append(pool)
        return pools


_UNBOUNDED = 2**31


class Wait:
    """Counts a caller as waiting, and records how long it waited for its connection."""

    __slots__ = ("_begun", "_time", "_waiting")

    def __init__(self, waiting: dict[object, None], time: BoundInstrument) -> None:
        self._waiting = waiting
        self._time = time
        self._begun = 0.0

    def __enter__(self) -> None:
        self._waiting[self] = None
        self._begun = perf_counter()

    def __exit__(self, kind: object, _error: object, _traceback: object) -> None:
        self._waiting.pop(self, None)
        if kind is None:
            self._time.record(perf_counter() - self._begun)


class _FirstConnect:
    """
    Stands for the method ``connect`` of one connection until that has succeeded once.

    In the place of the class's method it would cost every command, which asks each time.
    """

    __slots__ = ("_create_time", "_of")

    def __init__(self, connection: Any, create_time: BoundInstrument) -> None:
        self._create_time = create_time
        # Weak: the connection is closed when its last reference goes.
        self._of = weakref.ref(connection)
        connection.connect = self

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # Called by way of the connection, so that is there.
        connection: Any = self._of()
        begun = perf_counter()
        result = type(connection).connect(connection, *arguments, **options)
        if hasattr(result, "__await__"):
            return self._finish(connection, result, begun)
        self._succeed(connection, begun)
        return result

    async def _finish(self, connection: Any, connecting: Any, begun: float) -> Any:
        result = await connecting
        self._succeed(connection, begun)
        return result

    def _succeed(self, connection: Any, begun: float) -> None:
        self._create_time.record(perf_counter() - begun)
        vars(connection).pop("connect", None)


def _held_by(pool: Any) -> tuple[list[Any], int]:
    """Return the connections that are idle in *pool*, and how many it has lent out."""
    queue = getattr(pool, "pool", None)
    if queue is not None:
        # The queue of a blocking pool holds None where no connection was made yet.
        waiting: Any = getattr(queue, "queue", None) or getattr(queue, "_queue", None) or ()
        idle = [connection for connection in list(waiting) if connection is not None]
        return idle, max(len(pool._connections) - len(idle), 0)
    if hasattr(pool, "_available_connections"):
        return list(pool._available_connections), len(pool._in_use_connections)
    # A node of an asyncio cluster is a pool itself.
    free = list(pool._free)
    return free, max(len(pool._connections) - len(free), 0)


def _is_open(connection: Any) -> bool:
    found = getattr(connection, "is_connected", None)
    if isinstance(found, bool):
        return found
    return getattr(getattr(connection, "_conn", connection), "_sock", None) is not None


def _is_exhaustion(error: BaseException) -> bool:
    text = str(error.args[0]) if error.args else ""
    return text in _EXHAUSTED and (bool(text) or type(error).__name__ == "MaxConnectionsError")
