"""
The zero at which a series begins.

A worker that takes over the ``service.instance.id`` of another continues its series:
where the first exports 1 and the second exports 1, a backend sees no increase. So each
cumulative series that is born in a process is preceded by a zero, later than whatever
its predecessor has sent and at least two milliseconds before its first value, since
Prometheus keeps milliseconds and refuses two values at one of them.
"""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from otel_flow.delivery.pace import step


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator


APART = 2_000_000
"""Nanoseconds between a zero and what precedes and follows it."""

_OURS = "otel_flow"
_NO_BUCKETS = Buckets(offset=0, bucket_counts=())

Stream = tuple[str, str]
"""The scope and the name of a metric."""


class Births:
    """
    Finds the series that a collection shows for the first time.

    *since* returns the Unix nanoseconds before which another process may have had
    our id, None where none had. *observed* returns the streams whose values come from
    callbacks: those of others may have begun long before us, and get no zero.
    """

    def __init__(
        self, since: Callable[[], int | None], *, observed: Callable[[], Collection[Stream]]
    ) -> None:
        self._since = since
        self._observed = observed
        self.renew()

    def renew(self) -> None:
        """Start anew, as in a forked child: every series will be born again."""
        self._seen: dict[Stream, set[Hashable]] = {}

    @property
    def since(self) -> int | None:
        """The Unix nanoseconds that every zero lies behind; None where there is no need of any."""
        return self._since()

    def of(self, data: MetricsData) -> MetricsData | None:
        """Return the zeros that are to precede *data*; None where nothing was born."""
        since = self._since()
        if since is None:
            return None
        observed = self._observed()
        resources = [
            dataclasses.replace(resource, scope_metrics=scopes)
            for resource in data.resource_metrics
            if (scopes := list(self._scopes(resource, since, observed)))
        ]
        return MetricsData(resource_metrics=resources) if resources else None

    def _scopes(
        self, resource: ResourceMetrics, since: int, observed: Collection[Stream]
    ) -> Iterator[ScopeMetrics]:
        for scope in resource.scope_metrics:
            zeros = []
            for metric in scope.metrics:
                step()
                stream = (scope.scope.name, metric.name)
                foreign = stream in observed and not stream[0].startswith(_OURS)
                if _accumulates(metric.data) and not foreign:
                    zeros += self._zeros(metric, stream, since)
            if zeros:
                yield dataclasses.replace(scope, metrics=zeros)

    def _zeros(self, metric: Metric, stream: Stream, since: int) -> list[Metric]:
        seen = self._seen.setdefault(stream, set())
        points: Any = metric.data.data_points
        # No cumulative series ever disappears, so that only growth is news.
        if len(points) == len(seen):
            return []
        born = []
        for point in points:
            step()
            if (key := _key(point.attributes)) not in seen:
                seen.add(key)
                born.append(_zero(point, since))
        data = dataclasses.replace(metric.data, data_points=born)  # type: ignore[arg-type]
        return [dataclasses.replace(metric, data=data)] if born else []


def _accumulates(data: object) -> bool:
    if not isinstance(data, Sum | Histogram | ExponentialHistogram):
        return False
    cumulative = data.aggregation_temporality == AggregationTemporality.CUMULATIVE
    return cumulative and (not isinstance(data, Sum) or data.is_monotonic)


def _key(attributes: Any) -> Hashable:
    try:
        return frozenset((attributes or {}).items())
    except TypeError:
        # Values may be lists or mappings.
        return repr(sorted(attributes.items(), key=str))


def _zero(point: Any, since: int) -> Any:
    """Return *point* as it was when its series began."""
    time = max(since, min(point.start_time_unix_nano, point.time_unix_nano - APART))
    common = {"start_time_unix_nano": time, "time_unix_nano": time, "exemplars": ()}
    if isinstance(point, NumberDataPoint):
        return dataclasses.replace(point, value=0, **common)
    empty: dict[str, Any] = {"count": 0, "sum": 0, "min": 0, "max": 0, **common}
    if isinstance(point, HistogramDataPoint):
        return dataclasses.replace(point, bucket_counts=(0,) * len(point.bucket_counts), **empty)
    if isinstance(point, ExponentialHistogramDataPoint):
        empty |= {"zero_count": 0, "positive": _NO_BUCKETS, "negative": _NO_BUCKETS}
    return dataclasses.replace(point, **empty)
