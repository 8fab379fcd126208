"""Reading metrics beside their export, from the same aggregation."""

from __future__ import annotations

import dataclasses
import threading

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

from otel_flow.delivery.suppression import suppressed


if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Exchange = Callable[[Hashable, list[Any]], list[Any]]


_TIMEOUT = 10_000
"""Milliseconds that a scrape may take."""


class Scrape:
    """
    What a scraper reads of *reader*, without taking anything from the reader's own exports.

    Cumulative values are the same for whoever asks. Exemplars are not: the SDK hands each
    out once. What a scrape was handed is kept for the next export, and the last ones of
    each series are shown again, since Prometheus may miss a scrape.
    """

    def __init__(self, reader: MetricReader) -> None:
        self._reader = reader
        self._lock = threading.RLock()
        self._active = False
        self._owed: dict[Hashable, list[Any]] = {}
        self._shown: dict[Hashable, list[Any]] = {}
        self._streams: set[tuple[str, str]] = set()

    def read(self) -> MetricsData | None:
        """Return the values of now."""
        # The SDK's own annotation of this callback is not what it passes and returns.
        collect: Any = getattr(self._reader, "_collect", None)
        if collect is None:
            return None
        with suppressed():
            data: MetricsData | None = collect(self._reader, timeout_millis=_TIMEOUT)
        with self._lock:
            self._active = True
            return None if data is None else self._exchanged(data, self._show)

    def passing(self, data: MetricsData) -> MetricsData:
        """Return *data* on its way to export, with the exemplars that scrapes were handed."""
        if not self._active:
            return data
        with self._lock:
            exchanged = self._exchanged(data, self._repay)
            self._owed.clear()
            return exchanged

    def renew(self) -> None:
        """Start anew in a forked child."""
        self._lock = threading.RLock()
        self._owed = {}
        self._shown = {}

    def _show(self, key: Hashable, fresh: list[Any]) -> list[Any]:
        if fresh:
            self._owed[key] = [*self._owed.get(key, ()), *fresh][-_MOST:]
            self._shown[key] = fresh
        return self._shown.get(key, fresh)

    def _repay(self, key: Hashable, fresh: list[Any]) -> list[Any]:
        if fresh:
            self._shown[key] = fresh
        return [*self._owed.get(key, ()), *fresh]

    def _exchanged(self, data: MetricsData, exchange: Exchange) -> MetricsData:
        """Return *data* with the exemplars of each point passed through *exchange*."""
        return MetricsData(
            resource_metrics=[
                dataclasses.replace(
                    resource,
                    scope_metrics=[
                        dataclasses.replace(
                            scope,
                            metrics=[
                                self._metric(scope.scope.name, m, exchange) for m in scope.metrics
                            ],
                        )
                        for scope in resource.scope_metrics
                    ],
                )
                for resource in data.resource_metrics
            ]
        )

    def _metric(self, scope: str, metric: Any, exchange: Exchange) -> Any:
        stream = (scope, metric.name)
        points = metric.data.data_points
        # Most metrics never have exemplars, and have many points.
        if stream not in self._streams:
            if not any(point.exemplars for point in points):
                return metric
            self._streams.add(stream)
        exchanged = [_point(stream, point, exchange) for point in points]
        return dataclasses.replace(
            metric, data=dataclasses.replace(metric.data, data_points=exchanged)
        )


_MOST = 32
"""Exemplars of one series that are kept for export, beyond one a bucket."""


class ScrapeReader(MetricReader):
    """A reader of cumulative values for scrapers alone, where no export has them."""

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = _TIMEOUT, **_: Any
    ) -> None:
        """Drop what nobody asked for."""

    def shutdown(self, timeout_millis: float = _TIMEOUT, **_: Any) -> None:
        """Do nothing."""


def _point(stream: tuple[str, str], point: Any, exchange: Exchange) -> Any:
    had = list(point.exemplars or ())
    # Attributes may hold lists; a repr tells series apart as well as the values do.
    has = exchange((*stream, repr(sorted((point.attributes or {}).items()))), had)
    return point if has == had else dataclasses.replace(point, exemplars=has)
