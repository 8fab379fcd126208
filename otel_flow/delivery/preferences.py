"""What the settings prefer for metrics: temporality and the aggregation of histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)


if TYPE_CHECKING:
    from otel_flow.settings import Settings


_CUMULATIVE = AggregationTemporality.CUMULATIVE
_DELTA = AggregationTemporality.DELTA

_DELTA_KINDS: dict[str, tuple[type, ...]] = {
    "cumulative": (),
    "delta": (Counter, ObservableCounter, Histogram),
    "lowmemory": (Counter, Histogram),
}

_KINDS = (
    Counter,
    UpDownCounter,
    Histogram,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
)


def metric_preferences(settings: Settings) -> dict[str, dict[type, Any]]:
    """Return ``preferred_temporality`` and ``preferred_aggregation`` (specification: OTLP metrics)."""
    delta = _DELTA_KINDS[settings.metric_temporality]
    exponential = settings.histogram_aggregation == "base2_exponential_bucket_histogram"
    return {
        "preferred_temporality": {
            kind: _DELTA if kind in delta else _CUMULATIVE for kind in _KINDS
        },
        "preferred_aggregation": {
            Histogram: ExponentialBucketHistogramAggregation()
            if exponential
            else ExplicitBucketHistogramAggregation()
        },
    }
