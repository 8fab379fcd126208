"""
redis-py's own telemetry, from version 7.1 on, where an application has switched it on.

Its durations and connections have the names that ours have, with a pool name that is
another one after every start. They are left out while ours are on; what only
redis-py knows, such as redis.client.errors, is recorded by it as before.
"""

from __future__ import annotations

import functools
import importlib
import logging

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.database.patch import wrap


if TYPE_CHECKING:
    from collections.abc import Callable


logger = logging.getLogger("otel_flow.instrumentation")

_OURS = (
    "operation_duration",
    "connection_create_time",
    "connection_count_updown",
    "connection_timeouts",
    "connection_wait_time",
)
"""Attributes of redis-py's collector: instruments that it leaves alone when they are missing."""

_COLLECTORS = (
    ("redis.observability.recorder", "_metrics_collector"),
    ("redis.asyncio.observability.recorder", "_async_metrics_collector"),
)


def leave_out() -> Callable[[], None]:
    """Have redis-py record nothing that we record; return the undo."""
    try:
        metrics = importlib.import_module("redis.observability.metrics")
    except ImportError:
        return lambda: None
    taken: list[tuple[Any, dict[str, Any]]] = []

    def take(collector: Any) -> None:
        instruments = {name: vars(collector).pop(name) for name in _OURS if name in vars(collector)}
        if instruments:
            taken.append((collector, instruments))
            logger.warning("redis-py's own durations and connections are left out: ours are on")

    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def initialize(collector: Any, *arguments: Any, **options: Any) -> None:
            original(collector, *arguments, **options)
            take(collector)

        return initialize

    restore = wrap(metrics.RedisMetricsCollector, "__init__", wrapper)
    for module, attribute in _COLLECTORS:
        collector = getattr(importlib.import_module(module), attribute, None)
        if collector is not None:
            take(collector)

    def undo() -> None:
        restore()
        for collector, instruments in taken:
            vars(collector).update(instruments)
        taken.clear()

    return undo
