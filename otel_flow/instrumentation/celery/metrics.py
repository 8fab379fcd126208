"""The metrics of tasks: one handle for each combination of task, destination and outcome."""

from __future__ import annotations

import functools
import weakref

from typing import TYPE_CHECKING, Any

from otel_flow.names import celery as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.metrics import Meter

    from otel_flow.names.model import Metric
    from otel_flow.providers.bound import BoundInstrument
    from otel_flow.telemetry import Telemetry


SCOPE = "otel_flow.celery"

_REMEMBERED = 64
"""Errors and states of one series that are kept bound; those beyond are bound anew each time."""


class Bound:
    """An instrument with attributes, and its handles for the errors and states beside them."""

    __slots__ = ("_attributes", "_handles", "_instrument", "plain")

    plain: BoundInstrument
    """The handle for neither."""

    def __init__(self, instrument: Any, attributes: Mapping[str, Any]) -> None:
        self._instrument = instrument
        self._attributes = attributes
        self._handles: dict[tuple[str | None, str | None], BoundInstrument] = {}
        self.plain = self.of()

    def of(self, error_type: str | None = None, state: str | None = None) -> BoundInstrument:
        """Return the handle for *error_type* and *state*."""
        found = self._handles.get((error_type, state))
        if found is None:
            own = {"celery.task.state": state, "error.type": error_type}
            has = {name: value for name, value in own.items() if value}
            found = bind(self._instrument, {**self._attributes, **has})
            if len(self._handles) < _REMEMBERED:
                self._handles[error_type, state] = found
        return found


class TaskMetrics:
    """The instruments of one telemetry; each makes a `Bound` of attributes."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meter_provider.get_meter(SCOPE)
        self.sent = _counter(meter, names.SENT_MESSAGES)
        self.send_duration = _histogram(meter, names.SEND_DURATION)
        self.process_duration = _histogram(meter, names.PROCESS_DURATION)
        self.outcomes = _counter(meter, names.OUTCOMES)
        self.queue_time = _histogram(meter, names.QUEUE_TIME)


_metrics: weakref.WeakKeyDictionary[Any, TaskMetrics] = weakref.WeakKeyDictionary()


def metrics_of(telemetry: Telemetry) -> TaskMetrics:
    """Return the metrics of *telemetry*; all its applications share them."""
    found = _metrics.get(telemetry)
    if found is None:
        found = _metrics[telemetry] = TaskMetrics(telemetry)
    return found


def _counter(meter: Meter, metric: Metric) -> Callable[[Mapping[str, Any]], Bound]:
    counter = meter.create_counter(metric.name, unit=metric.unit, description=metric.brief)
    return functools.partial(Bound, counter)


def _histogram(meter: Meter, metric: Metric) -> Callable[[Mapping[str, Any]], Bound]:
    histogram = meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )
    return functools.partial(Bound, histogram)
