"""Where measurements go: the SDK's storages, with streams that are bounded and collected in slices."""

from __future__ import annotations

import copy
import threading

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics._internal.measurement_consumer import SynchronousMeasurementConsumer
from opentelemetry.sdk.metrics._internal.metric_reader_storage import (
    _DEFAULT_VIEW,
    MetricReaderStorage,
)

from otel_flow.providers.streams import Stream


if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.metrics._internal._view_instrument_match import _ViewInstrumentMatch
    from opentelemetry.sdk.metrics._internal.instrument import _Instrument
    from opentelemetry.sdk.metrics._internal.sdk_configuration import SdkConfiguration
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
    from opentelemetry.sdk.metrics.view import View


class FlowReaderStorage(MetricReaderStorage):
    """The SDK's storage of one reader, made of `Stream`."""

    def __init__(self, sdk_config: SdkConfiguration, reader: MetricReader, limit: int) -> None:
        super().__init__(
            sdk_config,
            reader._instrument_class_temporality,  # type: ignore[arg-type]
            reader._instrument_class_aggregation,  # type: ignore[arg-type]
        )
        self._limit = limit
        self._begin = getattr(reader, "begin", None)

    def _handle_view_instrument_match(
        self, instrument: _Instrument, view_instrument_matches: list[_ViewInstrumentMatch]
    ) -> None:
        super()._handle_view_instrument_match(instrument, view_instrument_matches)
        if self._begin is not None:
            self._begin()
        views = [match._view for match in view_instrument_matches] or [_DEFAULT_VIEW]
        view_instrument_matches[:] = [self._stream(view, instrument) for view in views]

    def _stream(self, view: View, instrument: _Instrument) -> Stream:
        limit = getattr(view, "cardinality_limit", None) or self._limit
        return Stream(view, instrument, self._instrument_class_aggregation, limit=limit)

    def streams(self, instrument: Any) -> list[Stream]:
        """Return the streams that *instrument* records into."""
        return self._get_or_init_view_instrument_match(instrument)  # type: ignore[return-value]

    def collect(self) -> MetricsData | None:
        """Collect without the lock that the first record of an instrument needs."""
        snapshot = copy.copy(self)
        snapshot._lock = threading.RLock()
        with self._lock:
            snapshot._instrument_view_instrument_matches = dict(
                self._instrument_view_instrument_matches
            )
        return MetricReaderStorage.collect(snapshot)


class FlowMeasurementConsumer(SynchronousMeasurementConsumer):
    """
    The SDK's consumer, made of `FlowReaderStorage`.

    Its mapping of storages is replaced, never changed, whenever a bound instrument has to
    look its series up anew: by another reader and by a fork.
    """

    def __init__(
        self, sdk_config: SdkConfiguration, metric_readers: Iterable[MetricReader], limit: int
    ) -> None:
        super().__init__(sdk_config, ())
        self._limit = limit
        self._collecting = threading.Lock()
        self._reader_storages = {reader: self._storage(reader) for reader in metric_readers}

    def _storage(self, reader: MetricReader) -> FlowReaderStorage:
        return FlowReaderStorage(self._sdk_config, reader, self._limit)

    def start_from_zero(self) -> None:
        """Replace the storages, as in a forked child: with them go the parent's values."""
        self._reader_storages = {reader: self._storage(reader) for reader in self._reader_storages}

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Have *metric_reader* see what is recorded from now on."""
        with self._lock:
            self._reader_storages = {
                **self._reader_storages,
                metric_reader: self._storage(metric_reader),
            }

    def collect(
        self, metric_reader: MetricReader, timeout_millis: float = 10_000
    ) -> MetricsData | None:
        """Call the callbacks and collect, without the lock that a new instrument needs."""
        with self._collecting:
            snapshot = copy.copy(self)
            snapshot._lock = threading.Lock()
            with self._lock:
                snapshot._async_instruments = list(self._async_instruments)
            return SynchronousMeasurementConsumer.collect(snapshot, metric_reader, timeout_millis)
