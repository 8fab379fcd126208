"""Rate, errors and durations of each route, task and query, over the last minute."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time

from typing import TYPE_CHECKING, Literal


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_flow.otlp.receiver import Span


Operation = Literal["route", "task", "query", "call"]

_WINDOW_SECONDS = 60.0
_MEASUREMENTS = 5000
_NAMES = 200
_REST = "(further ones)"
_ORDER: tuple[Operation, ...] = ("route", "task", "query", "call")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What happened to one operation of a service; durations are seconds, the rate is a second's."""

    operation: Operation
    name: str
    service: str
    count: int
    rate: float
    errors: int
    p50: float
    p95: float


def operation_of(span: Span) -> tuple[Operation, str] | None:
    """Return what *span* is an operation of, and that one's name; None for inner spans."""
    attributes = span.attributes
    if span.kind == "server":
        return "route", span.name
    if span.kind == "consumer":
        return "task", str(attributes.get("celery.task.name") or span.name)
    if span.kind != "client":
        return None
    if "db.system.name" in attributes or "db.system" in attributes:
        return "query", str(attributes.get("db.query.summary") or span.name)
    return "call", span.name


class Statistics:
    """Counts spans by operation; may be used by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._seen: dict[tuple[Operation, str, str], collections.deque[tuple[float, float, bool]]]
        self._seen = {}

    def add(self, spans: Sequence[Span]) -> None:
        """Count *spans*."""
        for span in spans:
            if found := operation_of(span):
                self.count(*found, span.source.service, span.seconds, failed=span.status == "error")

    def count(
        self, operation: Operation, name: str, service: str, seconds: float, *, failed: bool
    ) -> None:
        """Count one operation that took *seconds*."""
        with self._lock:
            measurements = self._measurements(operation, name, service)
            measurements.append((self._clock(), seconds, failed))

    def _measurements(
        self, operation: Operation, name: str, service: str
    ) -> collections.deque[tuple[float, float, bool]]:
        key = (operation, name, service)
        if key not in self._seen and len(self._seen) >= _NAMES:
            key = (operation, _REST, service)
        return self._seen.setdefault(key, collections.deque(maxlen=_MEASUREMENTS))

    def rows(self) -> list[Row]:
        """Return a row an operation: routes, then tasks, then queries, the busiest first."""
        now = self._clock()
        begin = now - _WINDOW_SECONDS
        elapsed = max(1.0, min(_WINDOW_SECONDS, now - self._began))
        rows = []
        with self._lock:
            for (operation, name, service), measurements in self._seen.items():
                while measurements and measurements[0][0] < begin:
                    measurements.popleft()
                if measurements:
                    rows.append(_row(operation, name, service, list(measurements), elapsed))
        return sorted(rows, key=lambda row: (_ORDER.index(row.operation), -row.count, row.name))


def _row(
    operation: Operation,
    name: str,
    service: str,
    measurements: list[tuple[float, float, bool]],
    elapsed: float,
) -> Row:
    seconds = sorted(measurement[1] for measurement in measurements)
    return Row(
        operation=operation,
        name=name,
        service=service,
        count=len(seconds),
        rate=len(seconds) / elapsed,
        errors=sum(measurement[2] for measurement in measurements),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which *share* of the *ordered* values lie, one of them."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
