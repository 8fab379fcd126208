"""Observed instruments from their definitions; a reading that fails costs itself only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from otel_flow.names.model import Metric

    Reading = Iterable[tuple[float, dict[str, Any]]]


def observe(meter: Meter, metric: Metric, read: Callable[[], Reading]) -> None:
    """Report what *read* yields as *metric*: values with their attributes, nothing where it fails."""

    def callback(_options: CallbackOptions) -> list[Observation]:
        # What the system does not have, or a callback of a library raises.
        try:
            return [Observation(value, attributes) for value, attributes in read()]
        except Exception:
            return []

    create = {
        "counter": meter.create_observable_counter,
        "updowncounter": meter.create_observable_up_down_counter,
        "gauge": meter.create_observable_gauge,
    }[metric.instrument]
    create(metric.name, callbacks=[callback], unit=metric.unit, description=metric.brief)
