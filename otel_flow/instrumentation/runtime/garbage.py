"""The garbage collector: how often it ran, what it freed, and how long it stopped the process."""

from __future__ import annotations

import collections
import gc
import time

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.runtime.observing import observe
from otel_flow.names import runtime as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from otel_flow.instrumentation.runtime.observing import Reading
    from otel_flow.providers.bound import BoundInstrument


_GENERATIONS = range(3)
_PENDING = 100_000
"""Pauses that are kept between two collections of metrics; beyond, the oldest go."""


def watch_garbage(meter: Meter) -> Callable[[], None]:
    """Report the garbage collector's work; return the undo."""
    pauses = _Pauses(meter)
    observe(meter, names.COLLECTIONS, pauses.collections)
    observe(meter, names.COLLECTED, lambda: _statistics("collected"))
    observe(meter, names.UNCOLLECTABLE, lambda: _statistics("uncollectable"))
    gc.callbacks.append(pauses.seen)

    def undo() -> None:
        if pauses.seen in gc.callbacks:
            gc.callbacks.remove(pauses.seen)

    return undo


class _Pauses:
    """
    Durations of collections, recorded when metrics are collected.

    The collector runs wherever memory is allocated, also under the lock of a histogram:
    recording there and then could wait for itself.
    """

    def __init__(self, meter: Meter) -> None:
        histogram = meter.create_histogram(
            names.GC_DURATION.name,
            unit=names.GC_DURATION.unit,
            description=names.GC_DURATION.brief,
            explicit_bucket_boundaries_advisory=list(names.GC_DURATION.buckets),
        )
        self._bound: list[BoundInstrument] = [
            bind(histogram, {names.GENERATION.name: generation}) for generation in _GENERATIONS
        ]
        self._pending: collections.deque[tuple[int, float]] = collections.deque(maxlen=_PENDING)
        self._started = 0.0

    def seen(self, phase: str, info: dict[str, Any]) -> None:
        """Note a collection (gc.callbacks)."""
        if phase == "start":
            self._started = time.perf_counter()
        elif self._started:
            self._pending.append((info["generation"], time.perf_counter() - self._started))
            self._started = 0.0

    def collections(self) -> Reading:
        """Record what is pending, and return how often each generation was collected."""
        while self._pending:
            generation, seconds = self._pending.popleft()
            self._bound[generation].record(seconds)
        return _statistics("collections")


def _statistics(what: str) -> Reading:
    return [
        (statistics[what], {names.GENERATION.name: generation})
        for generation, statistics in enumerate(gc.get_stats())
    ]
