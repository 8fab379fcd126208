"""What arrived, as plain frozen values; ids are lowercase hexadecimal, times nanoseconds since 1970."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any, Literal


if TYPE_CHECKING:
    from collections.abc import Mapping


SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
PointKind = Literal["gauge", "counter", "updowncounter", "histogram", "exponential_histogram"]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """The resource that a value came from, and the scope that recorded it."""

    resource: Mapping[str, Any]
    scope: str

    @property
    def service(self) -> str:
        """The name of the service."""
        return str(self.resource.get("service.name") or "unknown_service")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened during a span."""

    name: str
    time: int
    attributes: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A finished span; *parent_id* is empty for the first of its trace."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: SpanKind
    start: int
    end: int
    status: SpanStatus
    status_message: str
    attributes: Mapping[str, Any]
    events: tuple[SpanEvent, ...]
    links: tuple[tuple[str, str], ...]
    """Trace and span id of each linked span."""
    source: Source

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """A measurement that a point names as an example, and the span it was made in."""

    value: float
    time: int
    trace_id: str
    span_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """
    A data point of a metric.

    *value* is the number of a gauge or counter and the sum of a histogram, whose
    *count* is how many measurements it holds.
    """

    name: str
    unit: str
    kind: PointKind
    cumulative: bool
    attributes: Mapping[str, Any]
    start: int
    time: int
    value: float
    count: int
    bounds: tuple[float, ...]
    buckets: tuple[int, ...]
    exemplars: tuple[Exemplar, ...]
    source: Source

    @property
    def series(self) -> tuple[Any, ...]:
        """What tells this series from every other: resource, scope, metric and attributes."""
        resource = tuple(sorted((key, str(value)) for key, value in self.source.resource.items()))
        attributes = tuple(sorted((key, str(value)) for key, value in self.attributes.items()))
        return (self.name, self.source.scope, resource, attributes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """A log record; its ids are empty where it was written outside any span."""

    time: int
    severity: str
    severity_number: int
    body: Any
    event_name: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str
    source: Source


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one request carried: one signal, in the order of the request."""

    spans: tuple[Span, ...] = ()
    points: tuple[Point, ...] = ()
    records: tuple[LogRecord, ...] = ()

    def __len__(self) -> int:
        """How many items it carries."""
        return len(self.spans) + len(self.points) + len(self.records)
