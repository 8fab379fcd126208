"""Which clients are recorded."""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

from otel_flow import telemetry as running
from otel_flow.instrumentation.database.targets import Targets
from otel_flow.instrumentation.redis.brokers import leave_out_brokers
from otel_flow.instrumentation.redis.hooks import hook, owner_of
from otel_flow.instrumentation.redis.native import leave_out
from otel_flow.instrumentation.redis.pools import SERVER
from otel_flow.instrumentation.redis.server import Server


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.telemetry import Telemetry

    Client = (
        redis.Redis
        | redis.asyncio.Redis
        | redis.cluster.RedisCluster
        | redis.asyncio.cluster.RedisCluster
    )


logger = logging.getLogger("otel_flow.instrumentation")

TARGETS = (
    redis.Redis,
    redis.asyncio.Redis,
    redis.cluster.RedisCluster,
    redis.asyncio.cluster.RedisCluster,
)

CACHE_NAME = "redis"
"""The name of the cache whose hits are counted from replies, unless it is given another."""


def _replace_contrib() -> None:
    """Take contrib's instrumentation out, if it is in: every command would have two spans."""
    module = sys.modules.get("opentelemetry.instrumentation.redis")
    kind = getattr(module, "RedisInstrumentor", None)
    if kind is None:
        return
    instrumentor = kind()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
        logger.warning("contrib's Redis instrumentation is taken out: ours is on")


def _hook(server_of: Callable[[Any], Server | None]) -> Callable[[], None]:
    undos = (leave_out(), leave_out_brokers(), hook(server_of))

    def undo() -> None:
        for each in reversed(undos):
            each()

    return undo


_servers: Targets[Any, Server] = Targets(
    SERVER, owner=lambda owner: owner, hook=_hook, first=_replace_contrib
)


def instrument(
    target: Client | None = None,
    *,
    telemetry: Telemetry | None = None,
    cache_from_replies: bool | None = None,
    cache_name: str = CACHE_NAME,
) -> Callable[[], None]:
    """
    Record what *target* sends, by default every client; return the undo.

    A client stands for its pool of connections, with the pipelines and subscriptions that
    share it. *cache_from_replies* counts replies to GET and MGET as hits and misses of the
    cache *cache_name* (``otel_flow.cache.requests``), by default if the settings say so.
    """
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    if cache_from_replies is None:
        cache_from_replies = telemetry.settings.cache_from_replies
    make = functools.partial(
        Server,
        telemetry=telemetry,
        cache_name=cache_name,
        cache_from_replies=cache_from_replies,
    )
    if target is not None:
        return _servers.instrument(owner_of(target), make)
    _replace_contrib()
    return _servers.instrument_all(make)


def uninstrument(target: Client | None = None) -> None:
    """Stop recording *target*, by default every client that was not named."""
    if target is None:
        _servers.uninstrument_all()
    else:
        _servers.uninstrument(owner_of(target))
