"""
Our hooks in redis-py: where a command and a pipeline go out, and a connection is made.

They are on classes, so clients made before and after are covered alike. A pool of
connections, which a client shares with its pipelines and subscriptions, says what
records them; of a cluster the nodes' manager does.
"""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any

import redis.asyncio
import redis.asyncio.client
import redis.asyncio.cluster
import redis.asyncio.connection
import redis.client
import redis.cluster
import redis.connection

from otel_flow.instrumentation.database.patch import wrap
from otel_flow.instrumentation.database.targets import UNSEEN
from otel_flow.instrumentation.redis.pipeline import names_in, prefix_of
from otel_flow.instrumentation.redis.pools import SERVER


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.redis.server import Server

    ServerOf = Callable[[Any], Server | None]
    Wrapper = Callable[[Any], Any]


def hook(server_of: ServerOf) -> Callable[[], None]:
    """Ask *server_of* what records each command and each connection; return the undo."""
    undos = [
        wrap(owner, name, wrapper(_finder(server_of, owner_of)))
        for owner, name, wrapper, owner_of in _places()
        if name in vars(owner)
    ]

    def undo() -> None:
        while undos:
            undos.pop()()

    return undo


def owner_of(client: Any) -> Any:
    """Return what knows how to record *client*: its pool, or what knows the nodes of its cluster."""
    clusters = (redis.cluster.RedisCluster, redis.asyncio.cluster.RedisCluster)
    for name in ("cluster_client", "_client", "cluster"):
        found = getattr(client, name, None)
        client = found if isinstance(found, clusters) else client
    if isinstance(client, redis.asyncio.cluster.RedisCluster):
        return client
    return getattr(client, "nodes_manager", None) or client.connection_pool


def _places() -> list[tuple[Any, str, Callable[..., Wrapper], Callable[[Any], Any]]]:
    """Return classes and methods, which exist in all or in some of the versions."""
    one, many = redis.client, redis.cluster
    aone, amany = redis.asyncio.client, redis.asyncio.cluster
    pools, apools = redis.connection, redis.asyncio.connection
    places: list[tuple[Any, str, Callable[..., Wrapper], Callable[[Any], Any]]] = [
        (one.Redis, "execute_command", _command, _pool_of),
        (one.Pipeline, "immediate_execute_command", _command, _pool_of),
        (one.Pipeline, "execute", _pipeline, _pool_of),
        (one.PubSub, "execute_command", _command, owner_of),
        (many.RedisCluster, "execute_command", _command, _nodes_of),
        (many.ClusterPipeline, "execute", _pipeline, _nodes_of),
        (many.ClusterPubSub, "execute_command", _command, owner_of),
        (aone.Redis, "execute_command", _async_command, _pool_of),
        (aone.Pipeline, "immediate_execute_command", _async_command, _pool_of),
        (aone.Pipeline, "execute", _async_pipeline, _pool_of),
        (aone.PubSub, "execute_command", _async_command, owner_of),
        (amany.RedisCluster, "execute_command", _async_command, _itself),
        (amany.ClusterPipeline, "execute", _async_pipeline, owner_of),
    ]
    blocking, ablocking = pools.BlockingConnectionPool, apools.BlockingConnectionPool
    kinds = (pools.ConnectionPool, blocking, apools.ConnectionPool, ablocking)
    places += [(kind, "make_connection", _making, _itself) for kind in kinds]
    places.append((blocking, "get_connection", _waiting, _itself))
    places.append((ablocking, "get_connection", _async_waiting, _itself))
    return places


def _pool_of(client: Any) -> Any:
    return client.connection_pool


def _nodes_of(client: Any) -> Any:
    return client.nodes_manager


def _itself(owner: Any) -> Any:
    return owner


def _finder(server_of: ServerOf, owner_of: Callable[[Any], Any]) -> ServerOf:
    """Return what finds out what records a client; a custom pool may have no place for that."""

    def find(client: Any) -> Server | None:
        owner = client.connection_pool if owner_of is _pool_of else owner_of(client)
        try:
            found: Any = owner.__dict__.get(SERVER, UNSEEN)
        except AttributeError:
            return None
        return server_of(owner) if found is UNSEEN else found

    return find


def _command(find: ServerOf) -> Wrapper:
    """Return the wrapper of a method that sends one command."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def execute_command(client: Any, *arguments: Any, **options: Any) -> Any:
            server = find(client)
            if server is None or (execution := server.begin_command(arguments)) is None:
                return original(client, *arguments, **options)
            try:
                reply = original(client, *arguments, **options)
            except BaseException as error:
                execution.fail(error)
                if server.replies is not None:
                    server.replies.count(arguments[0], error)
                raise
            execution.succeed()
            if server.replies is not None:
                server.replies.count(arguments[0], reply)
            return reply

        return execute_command

    return wrapper


def _async_command(find: ServerOf) -> Wrapper:
    """Return the wrapper of a coroutine function that sends one command."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        async def execute_command(client: Any, *arguments: Any, **options: Any) -> Any:
            server = find(client)
            if server is None or (execution := server.begin_command(arguments)) is None:
                return await original(client, *arguments, **options)
            try:
                reply = await original(client, *arguments, **options)
            except BaseException as error:
                execution.fail(error)
                if server.replies is not None:
                    server.replies.count(arguments[0], error)
                raise
            execution.succeed()
            if server.replies is not None:
                server.replies.count(arguments[0], reply)
            return reply

        return execute_command

    return wrapper


def _pipeline(find: ServerOf) -> Wrapper:
    """Return the wrapper of the method that sends a pipeline."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def execute(pipeline: Any, *arguments: Any, **options: Any) -> Any:
            server = find(pipeline)
            if server is None:
                return original(pipeline, *arguments, **options)
            commands = names_in(pipeline)
            execution = server.begin_pipeline(commands, prefix_of(pipeline))
            if execution is None:
                return original(pipeline, *arguments, **options)
            try:
                replies = original(pipeline, *arguments, **options)
            except BaseException as error:
                execution.fail(error)
                raise
            execution.succeed()
            if server.replies is not None:
                server.replies.count_all(commands, replies)
            return replies

        return execute

    return wrapper


def _async_pipeline(find: ServerOf) -> Wrapper:
    """Return the wrapper of the coroutine function that sends a pipeline."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        async def execute(pipeline: Any, *arguments: Any, **options: Any) -> Any:
            server = find(pipeline)
            if server is None:
                return await original(pipeline, *arguments, **options)
            commands = names_in(pipeline)
            execution = server.begin_pipeline(commands, prefix_of(pipeline))
            if execution is None:
                return await original(pipeline, *arguments, **options)
            try:
                replies = await original(pipeline, *arguments, **options)
            except BaseException as error:
                execution.fail(error)
                raise
            execution.succeed()
            if server.replies is not None:
                server.replies.count_all(commands, replies)
            return replies

        return execute

    return wrapper


def _making(find: ServerOf) -> Wrapper:
    """Return the wrapper of the method with which a pool makes a connection."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def make_connection(pool: Any) -> Any:
            connection = original(pool)
            server = find(pool)
            if server is not None:
                server.pool.time_first_connect(connection)
            return connection

        return make_connection

    return wrapper


def _waiting(find: ServerOf) -> Wrapper:
    """Return the wrapper of the method that waits for a connection."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def get_connection(pool: Any, *arguments: Any, **options: Any) -> Any:
            server = find(pool)
            if server is None:
                return original(pool, *arguments, **options)
            with server.pool.wait():
                return original(pool, *arguments, **options)

        return get_connection

    return wrapper


def _async_waiting(find: ServerOf) -> Wrapper:
    """Return the wrapper of the coroutine function that waits for a connection."""

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        async def get_connection(pool: Any, *arguments: Any, **options: Any) -> Any:
            server = find(pool)
            if server is None:
                return await original(pool, *arguments, **options)
            with server.pool.wait():
                return await original(pool, *arguments, **options)

        return get_connection

    return wrapper
