"""
Pools of kombu, through which Celery asks its broker all day: they are not recorded.

What they carry, the tasks, has spans of its own; a poll belongs to no request.
"""

from __future__ import annotations

import functools
import sys

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.arrival import when_imported
from otel_flow.instrumentation.database.patch import wrap
from otel_flow.instrumentation.redis.pools import SERVER


if TYPE_CHECKING:
    from collections.abc import Callable


_MODULE = "kombu.transport.redis"

_CHANNELS = ("Channel", "SentinelChannel")


def leave_out_brokers() -> Callable[[], None]:
    """Keep pools that kombu makes from now on from being recorded; return the undo."""
    undos: list[Callable[[], None]] = []

    def patch() -> None:
        module = sys.modules[_MODULE]
        channels = [getattr(module, name) for name in _CHANNELS if hasattr(module, name)]
        undos.extend(
            wrap(channel, "_get_pool", _unrecorded)
            for channel in channels
            if "_get_pool" in vars(channel)
        )

    def undo() -> None:
        while undos:
            undos.pop()()

    undos.append(when_imported(_MODULE, patch))
    return undo


def _unrecorded(original: Any) -> Any:
    @functools.wraps(original)
    def get_pool(channel: Any, *arguments: Any, **options: Any) -> Any:
        pool = original(channel, *arguments, **options)
        vars(pool).setdefault(SERVER, None)
        return pool

    return get_pool
