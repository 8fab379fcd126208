"""One metric stream: an instrument as a view shows it, with at most so many attribute sets."""

from __future__ import annotations

import logging
import time

from itertools import islice
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Asynchronous
from opentelemetry.sdk.metrics._internal._view_instrument_match import (
    _hash_attributes,
    _ViewInstrumentMatch,
)
from opentelemetry.sdk.metrics._internal.aggregation import DefaultAggregation

from otel_flow.delivery.pace import step
from otel_flow.providers.series import Series


if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from opentelemetry.sdk.metrics._internal.aggregation import Aggregation, _Aggregation
    from opentelemetry.sdk.metrics._internal.instrument import _Instrument
    from opentelemetry.sdk.metrics._internal.measurement import Measurement
    from opentelemetry.sdk.metrics.export import AggregationTemporality, DataPointT
    from opentelemetry.sdk.metrics.view import View


logger = logging.getLogger("otel_flow.metrics")

OVERFLOW = {"otel.metric.overflow": True}
"""The attributes of what lies beyond the limit (specification: metrics/sdk, cardinality limits)."""

_OVERFLOW_KEY = _hash_attributes(OVERFLOW)

_SAMPLE = 200
"""Attribute sets that are looked at to find what makes them so many."""


class Stream(_ViewInstrumentMatch):
    """
    The SDK's match of view and instrument, with three differences.

    At most *limit* attribute sets are kept, and one more for the rest. Bound instruments
    record into its aggregations. Collecting holds no lock that recording needs, and lets
    an event loop run.
    """

    _attributes_aggregation: dict[Any, _Aggregation[Any]]

    def __init__(
        self,
        view: View,
        instrument: _Instrument,
        instrument_class_aggregation: dict[type, Aggregation],
        *,
        limit: int,
    ) -> None:
        super().__init__(view, instrument, instrument_class_aggregation)
        self._limit = limit
        self._overflows = False
        self._bound: dict[Hashable, Series] = {}
        self._is_observed = isinstance(instrument, Asynchronous)

    def consume_measurement(
        self,
        measurement: Measurement,
        should_sample_exemplar: bool = True,  # noqa: FBT002  upstream's signature
    ) -> None:
        """Take *measurement* into the aggregation of its attributes."""
        if self._is_observed:
            step()
        attributes = self._kept(measurement.attributes or {})
        key, aggregation = self._aggregation_of(attributes)
        if (series := self._bound.get(key)) is not None and series.pending:
            series.fold()
        aggregation.aggregate(measurement, should_sample_exemplar)

    def series(self, attributes: Mapping[str, Any]) -> Series:
        """Return where a bound instrument records *attributes*, from its first value on."""
        key, aggregation = self._aggregation_of(self._kept(attributes))
        with self._lock:
            series = self._bound.get(key)
            if series is None:
                series = self._bound[key] = Series(aggregation)
        return series

    def _kept(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        keys = self._view._attribute_keys
        if keys is None:
            return dict(attributes)
        return {key: value for key, value in attributes.items() if key in keys}

    def _aggregation_of(self, attributes: dict[str, Any]) -> tuple[Hashable, _Aggregation[Any]]:
        """Return the aggregation of *attributes*, or the one of all that are too many."""
        key: Any = _hash_attributes(attributes)
        if (found := self._attributes_aggregation.get(key)) is not None:
            return key, found
        if len(self._attributes_aggregation) < self._limit:
            found = self._begin(key, attributes, self._limit)
        if found is not None:
            return key, found
        self._warn_once()
        overflow = self._begin(_OVERFLOW_KEY, OVERFLOW, self._limit + 1)
        assert overflow is not None
        return _OVERFLOW_KEY, overflow

    def _begin(self, key: Any, attributes: dict[str, Any], limit: int) -> _Aggregation[Any] | None:
        """Return the aggregation of *key*, None where it would be one more than *limit*."""
        with self._lock:
            found = self._attributes_aggregation.get(key)
            if found is None and len(self._attributes_aggregation) < limit:
                found = self._attributes_aggregation[key] = self._new_aggregation(attributes)
        return found

    def _new_aggregation(self, attributes: dict[str, Any]) -> _Aggregation[Any]:
        aggregation = self._view._aggregation
        if isinstance(aggregation, DefaultAggregation):
            aggregation = self._instrument_class_aggregation[self._instrument.__class__]
        return aggregation._create_aggregation(
            self._instrument, attributes, self._view._exemplar_reservoir_factory, time.time_ns()
        )

    def _warn_once(self) -> None:
        if not self._overflows:
            self._overflows = True
            logger.warning(
                "%s has more than %d attribute sets, most of them by the values of %s; "
                "what exceeds them is recorded as otel.metric.overflow",
                self._name,
                self._limit,
                self._exploding(),
            )

    def _exploding(self) -> str:
        """Return the attribute with the most values among the latest attribute sets."""
        values: dict[str, set[Hashable]] = {}
        for aggregation in islice(reversed(self._aggregations()), _SAMPLE):
            for name, value in (aggregation._attributes or {}).items():
                values.setdefault(name, set()).add(_hash_attributes(value))
        return max(values, key=lambda name: len(values[name]), default="no attribute")

    def _aggregations(self) -> list[_Aggregation[Any]]:
        with self._lock:
            return list(self._attributes_aggregation.values())

    def collect(
        self,
        collection_aggregation_temporality: AggregationTemporality,
        collection_start_nanos: int,
    ) -> Sequence[DataPointT] | None:
        """Return a point of each attribute set that has one, None where there is none."""
        with self._lock:
            bound = list(self._bound.values())
        for series in bound:
            series.fold()
            step()
        points = []
        for aggregation in self._aggregations():
            point = aggregation.collect(collection_aggregation_temporality, collection_start_nanos)
            if point is not None:
                points.append(point)
            step()
        return points or None
