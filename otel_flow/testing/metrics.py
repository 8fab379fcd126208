"""Metrics of several collections, put together."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import AggregationTemporality

from otel_flow.redaction.points import merged
from otel_flow.testing.plain import plain_point


if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData


class Metrics:
    """What was collected since the last `clear`: deltas added up, of anything else the latest."""

    def __init__(self) -> None:
        self._metrics: dict[tuple[str, str], Any] = {}

    def clear(self) -> None:
        """Forget all."""
        self._metrics.clear()

    def add(self, collected: MetricsData | None) -> None:
        """Add one collection."""
        for resource in collected.resource_metrics if collected else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    key = (scope.scope.name, metric.name)
                    self._metrics[key] = _together(self._metrics.get(key), metric)

    def points(self) -> list[dict[str, Any]]:
        """Return all data points."""
        return [
            plain_point(point, metric, scope)
            for (scope, _), metric in self._metrics.items()
            for point in metric.data.data_points
        ]


def _together(before: Any, metric: Any) -> Any:
    temporality = getattr(metric.data, "aggregation_temporality", None)
    if before is None or temporality is not AggregationTemporality.DELTA:
        return metric
    points = merged(metric.data, [*before.data.data_points, *metric.data.data_points])
    return dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=points))
