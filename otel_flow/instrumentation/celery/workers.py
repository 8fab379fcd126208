"""What a worker is doing: observed where it runs, in the process that talks to the broker."""

from __future__ import annotations

import os
import weakref

from typing import TYPE_CHECKING, Any

from celery.worker import state
from celery.worker.request import Request
from opentelemetry.metrics import Observation

from otel_flow.instrumentation.celery.metrics import SCOPE
from otel_flow.names import celery as names


if TYPE_CHECKING:
    from collections.abc import Callable

    from celery.worker.consumer.consumer import Consumer
    from opentelemetry.metrics import CallbackOptions

    from otel_flow.names.model import Metric
    from otel_flow.telemetry import Telemetry


class _Running:
    """The worker of this process; a process has one, whose state Celery keeps in a module."""

    def __init__(self) -> None:
        self.pid = -1
        self.consumer: Any = None

    def here(self) -> bool:
        """Return whether this very process has, or had, a worker; its pool's processes have none."""
        return self.pid == os.getpid()


_running = _Running()
_observed: weakref.WeakSet[Telemetry] = weakref.WeakSet()


def began(consumer: Consumer, telemetry: Telemetry) -> None:
    """Observe the worker of *consumer* from now on."""
    _running.pid, _running.consumer = os.getpid(), consumer
    if telemetry in _observed:
        return
    _observed.add(telemetry)
    meter = telemetry.meter_provider.get_meter(SCOPE)
    for metric, count in _COUNTS.items():
        meter.create_observable_up_down_counter(
            metric.name,
            callbacks=[_callback(count)],
            unit=metric.unit,
            description=metric.brief,
        )


def ended() -> None:
    """Observe that the worker of this process is gone."""
    _running.consumer = None


def _callback(
    count: Callable[[Any], int],
) -> Callable[[CallbackOptions], list[Observation]]:
    def observe(_options: CallbackOptions) -> list[Observation]:
        if not _running.here():
            return []
        consumer = _running.consumer
        try:
            return [Observation(0 if consumer is None else count(consumer))]
        except AttributeError:
            # A worker that stops lets go of its pool and its timer one by one.
            return [Observation(0)]

    return observe


def _prefetched(_consumer: Any) -> int:
    return max(0, len(state.reserved_requests) - len(state.active_requests))


def _scheduled(consumer: Any) -> int:
    # As ``celery inspect scheduled`` finds them; the timer has entries of other kinds, too.
    waiting = [item.entry for item in list(consumer.timer.schedule.queue)]
    return sum(1 for entry in waiting if entry.args and isinstance(entry.args[0], Request))


_COUNTS: dict[Metric, Callable[[Any], int]] = {
    names.WORKERS: lambda _consumer: 1,
    names.POOL_SIZE: lambda consumer: consumer.pool.num_processes or 0,
    names.ACTIVE_TASKS: lambda _consumer: len(state.active_requests),
    names.PREFETCHED_TASKS: _prefetched,
    names.SCHEDULED_TASKS: _scheduled,
}
