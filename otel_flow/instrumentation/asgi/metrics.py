"""The metrics of an HTTP server: one handle for each combination of method, route and status."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from otel_flow.names import http as names
from otel_flow.otlp.constant import Constant
from otel_flow.process.fork import on_fork
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from otel_flow.names.model import Metric
    from otel_flow.telemetry import Telemetry


SCOPE = "otel_flow.asgi"

_REMEMBERED = 4096
"""Combinations that are kept bound; those beyond are bound anew each time."""

Key = tuple[str, str, str, "str | None", "int | None", "str | None"]
"""Method, scheme, protocol version, route, status and error type."""


class Series:
    """The attributes and the bound instruments of one combination."""

    __slots__ = (
        "_duration",
        "_request_size",
        "_response_size",
        "masked",
        "name",
        "outcome",
        "told",
    )

    def __init__(self, key: Key, instruments: HttpServerMetrics) -> None:
        method, scheme, version, route, status, error_type = key
        outcome = {
            "http.route": route,
            "http.response.status_code": status,
            "error.type": error_type,
        }
        self.outcome = Constant(
            {name: value for name, value in outcome.items() if value is not None}
        )
        self.told = {"http.request.method": method, **self.outcome}
        """What lines say of its requests, and the same as it may leave, None until it is asked for."""
        self.masked: Mapping[str, Any] | None = None
        self.name = f"{'HTTP' if method == '_OTHER' else method}{f' {route}' if route else ''}"
        attributes = {
            "http.request.method": method,
            "url.scheme": scheme,
            "network.protocol.version": version,
            **self.outcome,
        }
        self._duration = bind(instruments.duration, attributes)
        self._request_size = bind(instruments.request_size, attributes)
        self._response_size = bind(instruments.response_size, attributes)

    def record(
        self, duration: float, request_size: int | None, response_size: int, context: Context
    ) -> None:
        """Record one request: seconds and, where they are known, bytes."""
        self._duration.record(duration, context)
        if request_size is not None:
            self._request_size.record(request_size, context)
        self._response_size.record(response_size, context)


class HttpServerMetrics:
    """The instruments, and the requests that are being answered."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meter_provider.get_meter(SCOPE)
        self.duration = _histogram(meter, names.SERVER_DURATION)
        self.request_size = _histogram(meter, names.SERVER_REQUEST_SIZE)
        self.response_size = _histogram(meter, names.SERVER_RESPONSE_SIZE)
        self.active: dict[object, tuple[str, str, str]] = {}
        """What is being answered → method, scheme and protocol version."""
        self.unseen = False
        """Whether anything came that has no metrics: an excluded request, or a WebSocket."""
        self._series: dict[Key, Series] = {}
        active = weakref.WeakMethod(self._observe)

        def observe(options: CallbackOptions) -> Iterable[Observation]:
            method = active()
            return () if method is None else method(options)

        meter.create_observable_up_down_counter(
            names.SERVER_ACTIVE.name,
            callbacks=[observe],
            unit=names.SERVER_ACTIVE.unit,
            description=names.SERVER_ACTIVE.brief,
        )
        # A request that was open at the fork ends in the parent only.
        weakref.finalize(self, on_fork(child=self.active.clear)).atexit = False

    @property
    def in_use(self) -> bool:
        """Whether any request has come to a server of this telemetry."""
        return self.unseen or bool(self.active or self._series)

    def series(self, key: Key) -> Series:
        """Return the series of *key*."""
        found = self._series.get(key)
        if found is None:
            found = Series(key, self)
            if len(self._series) < _REMEMBERED:
                self._series[key] = found
        return found

    def _observe(self, _options: CallbackOptions) -> list[Observation]:
        counts = dict.fromkeys({(key[0], key[1]) for key in list(self._series)}, 0)
        for method, scheme, _ in list(self.active.values()):
            counts[method, scheme] = counts.get((method, scheme), 0) + 1
        return [
            Observation(count, {"http.request.method": method, "url.scheme": scheme})
            for (method, scheme), count in counts.items()
        ]


_metrics: weakref.WeakKeyDictionary[Any, HttpServerMetrics] = weakref.WeakKeyDictionary()


def metrics_of(telemetry: Telemetry) -> HttpServerMetrics:
    """Return the metrics of *telemetry*; all its servers share them."""
    found = _metrics.get(telemetry)
    if found is None:
        found = _metrics[telemetry] = HttpServerMetrics(telemetry)
    return found


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )
