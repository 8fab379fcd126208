"""Where measures are recorded: the running telemetry, or before it the globals of OpenTelemetry."""

from __future__ import annotations

import logging
import weakref

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

from otel_flow import telemetry
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

    from otel_flow.names.model import Metric
    from otel_flow.providers.bound import BoundInstrument
    from otel_flow.telemetry import Telemetry


SCOPE = "otel_flow.measure"

logger = logging.getLogger(SCOPE)

_REMEMBERED = 1024
"""Attribute sets of one instrument that are kept bound; others are bound anew each time."""


def tracer(scope: str = SCOPE) -> Tracer:
    """Return the tracer of the running telemetry."""
    handle = telemetry.current()
    provider = trace if handle is None else handle.tracer_provider
    return provider.get_tracer(scope)


def meter(scope: str = SCOPE) -> Meter:
    """Return the meter of the running telemetry."""
    handle = telemetry.current()
    provider = metrics if handle is None else handle.meter_provider
    return provider.get_meter(scope)


class Instrument:
    """A counter or a histogram that is made once for each telemetry that runs."""

    __slots__ = ("_bound", "_handle", "_is_reported", "_made", "_metric")

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._made: Any = None
        self._handle: weakref.ref[Telemetry] | None = None
        self._bound: dict[tuple[tuple[str, Any], ...], BoundInstrument] = {}
        self._is_reported = False

    def record(self, value: float, attributes: Mapping[str, Any]) -> None:
        """Record or add *value*; what cannot be recorded is said once, and never raised."""
        try:
            self.bound(attributes).record(value)
        except Exception as error:
            if not self._is_reported:
                self._is_reported = True
                name, kind = self._metric.name, type(error).__name__
                logger.warning("a value of %s was not recorded: %s: %s", name, kind, error)

    def bound(self, attributes: Mapping[str, Any]) -> BoundInstrument:
        """Return the instrument bound to *attributes*."""
        handle = telemetry.current()
        if self._made is None or handle is not (self._handle and self._handle()):
            self._make(handle)
        key = tuple(attributes.items())
        found = self._bound.get(key)
        if found is None:
            found = bind(self._made, attributes)
            if len(self._bound) < _REMEMBERED:
                self._bound[key] = found
        return found

    def _make(self, handle: Telemetry | None) -> None:
        self._bound = {}
        self._handle = None if handle is None else weakref.ref(handle)
        self._made = _created(meter(), self._metric)


def _created(meter: Meter, metric: Metric) -> Any:
    described = {"unit": metric.unit, "description": metric.brief}
    if metric.instrument == "counter":
        return meter.create_counter(metric.name, **described)
    return meter.create_histogram(
        metric.name,
        **described,
        explicit_bucket_boundaries_advisory=list(metric.buckets) or None,
    )


def error_type(error: BaseException) -> str:
    """Return the name of an exception as ``error.type`` has it; built-in ones without module."""
    kind = type(error)
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
