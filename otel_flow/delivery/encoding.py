"""From queued items to encoded parts, a short slice at a time."""

from __future__ import annotations

import time

from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics

from otel_flow.delivery.chunk import Part


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


SLICE_SECONDS = 0.0005
"""How long the encoder holds the interpreter before it lets others run."""
_FIRST_SLICE = 4
_MAX_SLICE = 64


class Encoder(Protocol):
    """Turns queued items into parts; items that cannot be encoded are passed to *dropped*."""

    def __call__(self, items: Sequence[Any], dropped: Callable[[int], None]) -> Iterator[Part]:
        """Yield the parts of *items*, a slice each."""
        ...


class SliceEncoder:
    """Encodes spans or log records in slices whose length follows the time they take."""

    def __init__(self, encode: Callable[[Sequence[Any]], Any]) -> None:
        self._encode = encode
        self._slice = _FIRST_SLICE
        self._item_seconds = SLICE_SECONDS / _FIRST_SLICE

    def __call__(self, items: Sequence[Any], dropped: Callable[[int], None]) -> Iterator[Part]:
        """Yield a part a slice; one bad item costs none of its neighbours."""
        position = 0
        while position < len(items):
            batch = items[position : position + self._slice]
            position += len(batch)
            started = time.perf_counter()
            parts = list(self._parts(batch, dropped))
            self._adapt((time.perf_counter() - started) / len(batch))
            yield from parts
            time.sleep(0)

    def _adapt(self, seconds: float) -> None:
        """Follow the *seconds* an item takes, slowly: a slice that was interrupted is no measure."""
        self._item_seconds += (min(seconds, 4 * self._item_seconds) - self._item_seconds) / 8
        self._slice = min(_MAX_SLICE, max(1, int(SLICE_SECONDS / self._item_seconds)))

    def _parts(self, batch: Sequence[Any], dropped: Callable[[int], None]) -> Iterator[Part]:
        # What users put into attributes and bodies is without bounds, and so is what
        # upstream's encoder raises for it.
        try:
            yield Part(self._encode(batch).SerializeToString(), len(batch))
        except Exception:
            if len(batch) == 1:
                dropped(1)
                return
            for item in batch:
                yield from self._parts([item], dropped)


def span_encoder() -> Encoder:
    """Return the encoder of spans."""
    return SliceEncoder(encode_spans)


def log_encoder() -> Encoder:
    """Return the encoder of log records."""
    return SliceEncoder(encode_logs)


class MetricsEncoder:
    """Encodes collections with one part a metric, so that a guilty metric can be found."""

    def __call__(self, items: Sequence[Any], dropped: Callable[[int], None]) -> Iterator[Part]:
        """Yield one part a metric."""
        for single, points in _single_metrics(items):
            # As with spans: one metric that cannot be encoded costs only itself.
            try:
                yield Part(encode_metrics(single).SerializeToString(), points)
            except Exception:
                dropped(points)
            time.sleep(0)


def metric_points(data: MetricsData) -> int:
    """Return the number of data points in *data*."""
    return sum(points for _, points in _single_metrics([data]))


def _single_metrics(collections: Iterable[MetricsData]) -> Iterator[tuple[MetricsData, int]]:
    for data in collections:
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    yield _alone(resource, scope, metric), len(metric.data.data_points)


def _alone(resource: ResourceMetrics, scope: ScopeMetrics, metric: Any) -> MetricsData:
    alone = ScopeMetrics(scope=scope.scope, metrics=[metric], schema_url=scope.schema_url)
    return MetricsData(
        resource_metrics=[
            ResourceMetrics(
                resource=resource.resource, scope_metrics=[alone], schema_url=resource.schema_url
            )
        ]
    )
