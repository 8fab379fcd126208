"""The metrics of tasks: one handle for each combination of task, destination and outcome."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any, NamedTuple

from otel_flow.names import celery as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from otel_flow.instrumentation.celery.broker import Broker
    from otel_flow.names.model import Metric
    from otel_flow.providers.bound import BoundInstrument
    from otel_flow.telemetry import Telemetry


SCOPE = "otel_flow.celery"

_REMEMBERED = 4096
"""Combinations that are kept bound; those beyond are bound anew each time."""


class Series(NamedTuple):
    """What a point is told apart by; None and the empty text are left out of its attributes."""

    broker: Broker
    task: str
    destination: str
    operation: str | None = None
    state: str | None = None
    error_type: str | None = None

    def attributes(self) -> dict[str, Any]:
        """Return it as attributes; the broker's address belongs to operations on it only."""
        named = {
            "messaging.operation.name": self.operation,
            "messaging.destination.name": self.destination,
            "celery.task.name": self.task,
            "celery.task.state": self.state,
            "error.type": self.error_type,
        }
        broker = self.broker.attributes()
        if self.operation is None:
            broker = {"messaging.system": self.broker.system}
        return broker | {name: value for name, value in named.items() if value}


class _Bound:
    """An instrument, and its handles for the series that were seen."""

    def __init__(self, instrument: Any) -> None:
        self._instrument = instrument
        self._handles: dict[Series, BoundInstrument] = {}

    def __call__(self, series: Series) -> BoundInstrument:
        """Return the handle of *series*."""
        found = self._handles.get(series)
        if found is None:
            found = bind(self._instrument, series.attributes())
            if len(self._handles) < _REMEMBERED:
                self._handles[series] = found
        return found


class TaskMetrics:
    """The instruments of one telemetry."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meter_provider.get_meter(SCOPE)
        self._sent = _Bound(_counter(meter, names.SENT_MESSAGES))
        self._send_duration = _Bound(_histogram(meter, names.SEND_DURATION))
        self._process_duration = _Bound(_histogram(meter, names.PROCESS_DURATION))
        self._outcomes = _Bound(_counter(meter, names.OUTCOMES))
        self._queue_time = _Bound(_histogram(meter, names.QUEUE_TIME))

    def sent(self, series: Series, seconds: float) -> None:
        """Record that a task was published, or could not be, in *seconds*."""
        series = series._replace(operation="send")
        self._sent(series).add(1)
        self._send_duration(series).record(seconds)

    def waited(self, series: Series, seconds: float) -> None:
        """Record that a task waited for *seconds* until it began."""
        self._queue_time(series).record(seconds)

    def processed(self, series: Series, seconds: float, error_type: str | None) -> None:
        """Record that a task ran for *seconds*."""
        series = series._replace(operation="process", error_type=error_type)
        self._process_duration(series).record(seconds)

    def ended(self, series: Series, state: str, error_type: str | None = None) -> None:
        """Record that a run of a task ended in *state*, or did not begin because of it."""
        self._outcomes(series._replace(state=state, error_type=error_type)).add(1)


_metrics: weakref.WeakKeyDictionary[Any, TaskMetrics] = weakref.WeakKeyDictionary()


def metrics_of(telemetry: Telemetry) -> TaskMetrics:
    """Return the metrics of *telemetry*; all its applications share them."""
    found = _metrics.get(telemetry)
    if found is None:
        found = _metrics[telemetry] = TaskMetrics(telemetry)
    return found


def _counter(meter: Meter, metric: Metric) -> Any:
    return meter.create_counter(metric.name, unit=metric.unit, description=metric.brief)


def _histogram(meter: Meter, metric: Metric) -> Any:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )
