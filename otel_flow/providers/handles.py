"""Bound instruments on the storages of our meter provider."""

from __future__ import annotations

import math
import sys

from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import _clean_attribute_value
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import SpanContext

from otel_flow.providers.active import SPAN_KEY, current_context, span_context_in
from otel_flow.providers.bound import BoundInstrument
from otel_flow.providers.series import FOLD_AT
from otel_flow.providers.storage import FlowMeasurementConsumer


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from otel_flow.providers.series import Sampled, Series


_INFINITY = math.inf
_LOWEST = -sys.float_info.max

_ALWAYS, _SAMPLED, _NEVER = object(), object(), object()
_FILTERS = {
    AlwaysOnExemplarFilter: _ALWAYS,
    TraceBasedExemplarFilter: _SAMPLED,
    AlwaysOffExemplarFilter: _NEVER,
}


class _Unknown:
    """Stands for the consumer that has not been found yet."""

    _reader_storages = None
    is_enabled = True


class Handle(BoundInstrument):
    """
    A bound instrument that appends to its series.

    Whatever is out of the ordinary, a value that is not to be recorded for instance,
    goes to the instrument itself, and so does everything where provider or exemplar
    filter are not those we know.
    """

    __slots__ = ("_config", "_consumer", "_exemplars", "_least", "_series", "_storages")

    def __init__(self, instrument: Any, attributes: Mapping[str, Any]) -> None:
        cleaned: Any = _clean_attribute_value(dict(attributes), None)
        super().__init__(instrument, cleaned)
        self._consumer: Any = _Unknown
        self._storages: Any = _Unknown
        self._config: Any = _Unknown
        self._least = 0.0
        self._exemplars = _NEVER
        self._series: tuple[Series, ...] = ()

    def record(self, value: float, context: Context | None = None) -> None:
        """Record *value*, or add it, or set it: what the instrument does."""
        if (
            self._storages is not self._consumer._reader_storages
            or not self._least <= value < _INFINITY
            or not self._config.is_enabled
        ):
            self._record_otherwise(value, context)
            return
        item: float | Sampled = value
        if self._exemplars is not _NEVER:
            if context is None:
                context = current_context()
            # As `span_context_in` does, which is asked for all spans that are not as usual.
            span = context.get(SPAN_KEY)
            found = getattr(span, "_context", None)
            if type(found) is not SpanContext and span is not None:
                found = span_context_in(context)
            if self._exemplars is _ALWAYS or (found is not None and found[3] & 1):
                item = (value, time_ns(), self._attributes, found)
        for series in self._series:
            pending = series.pending
            pending.append(item)
            if len(pending) >= FOLD_AT:
                series.fold()

    add = record

    def _record_otherwise(self, value: float, context: Context | None) -> None:
        if (
            self._storages is self._consumer._reader_storages
            or not self._resolve()
            or not self._least <= value < _INFINITY
            or not self._config.is_enabled
        ):
            self._public(value, self._attributes, context)
        else:
            self.record(value, context)

    def _resolve(self) -> bool:
        """Look the series up; return whether there is a short way to them."""
        instrument = getattr(self._instrument, "_real_instrument", None) or self._instrument
        consumer = getattr(instrument, "_measurement_consumer", None)
        if type(consumer) is not FlowMeasurementConsumer:
            return False
        exemplars = _FILTERS.get(type(consumer._sdk_config.exemplar_filter))
        if exemplars is None:
            return False
        storages: Any = consumer._reader_storages
        self._series = tuple(
            stream.series(self._attributes)
            for storage in storages.values()
            for stream in storage.streams(instrument)
        )
        self._exemplars = exemplars
        self._config = instrument._meter_config or _Unknown
        self._least = 0.0 if isinstance(instrument, (Counter, Histogram)) else _LOWEST
        self._consumer = consumer
        # Last, because this is what another thread looks at first.
        self._storages = storages
        return True


def probe() -> None:
    """Try out what this module builds on; raises whatever the SDK makes of it."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    consumer = FlowMeasurementConsumer(provider._sdk_config, [reader], 2)
    provider._measurement_consumer = consumer
    reader._set_collect_callback(consumer.collect)  # type: ignore[arg-type]
    meter = provider.get_meter("probe")
    for instrument in (meter.create_counter("counter"), meter.create_histogram("histogram")):
        handle = Handle(instrument, {"bound": True})
        handle.record(2)
        handle._public(2, {"bound": True})
        if not handle._series:
            raise TypeError(f"{type(instrument).__name__} cannot be bound")
    data: Any = reader.get_metrics_data()
    counter, histogram = data.resource_metrics[0].scope_metrics[0].metrics
    values = counter.data.data_points[0].value, histogram.data.data_points[0].sum
    provider.shutdown()
    if values != (4, 4):
        raise ValueError(f"two measurements of 2 became {values}")
