"""The cache: Redis while it answers, nothing while it does not."""

from __future__ import annotations

import json
import time

from typing import TYPE_CHECKING

import redis
import structlog

from otel_flow.demo.shop.config import CONFIG


if TYPE_CHECKING:
    from typing import Any


log = structlog.get_logger("shop.cache")

_SECONDS = 60
_PAUSE = 5.0
_PREFIX = "otel-flow-demo"

clients: tuple[redis.Redis, ...] = (
    (redis.Redis.from_url(CONFIG.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5),)
    if CONFIG.redis_url
    else ()
)
"""The one client, none in a shop without a cache."""

_paused_until = 0.0


def get(key: str) -> Any:
    """Return what was put under *key*; None if that is nothing, or if Redis does not answer."""
    value = _ask("get", f"{_PREFIX}:{key}")
    log.debug("cache.hit" if value else "cache.miss", key=key)
    return json.loads(value) if value else None


def put(key: str, value: Any) -> None:
    """Keep *value* for a minute."""
    _ask("set", f"{_PREFIX}:{key}", json.dumps(value), ex=_SECONDS)


def _ask(command: str, *arguments: Any, **options: Any) -> Any:
    """Run a Redis command; after a failure leave Redis alone for some seconds."""
    global _paused_until
    if not clients or time.monotonic() < _paused_until:
        return None
    try:
        return getattr(clients[0], command)(*arguments, **options)
    except redis.RedisError as error:
        _paused_until = time.monotonic() + _PAUSE
        log.warning("cache.degraded", error=type(error).__name__, retry_seconds=_PAUSE)
        return None
