"""From queued items to chunks, a short slice at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from otel_flow.delivery.chunk import CHUNK_BYTES, Chunk
from otel_flow.delivery.pace import step
from otel_flow.otlp import LogEncoder, MetricEncoder, Request, Sources, SpanEncoder, Unencodable
from otel_flow.otlp.records import LogEvent


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

    from otel_flow.otlp import Redactor
    from otel_flow.otlp.metrics import Frame
    from otel_flow.settings import LimitSettings

    Dropped = Callable[[int, str], None]
    """Told how many items cannot be sent, and why."""
    Source = tuple[Any, Any]
    """The resource and the scope of an item."""


class Encoder(Protocol):
    """Turns items into chunks; items that cannot be encoded are passed to *dropped*."""

    def __call__(
        self, items: Sequence[Any], dropped: Dropped, *, lasting: bool = False
    ) -> Iterator[Chunk]:
        """Yield the chunks of *items*."""
        ...


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, Unencodable) else "unencodable"


class ItemEncoder:
    """Encodes spans or log records; a chunk has at most *max_items*."""

    def __init__(
        self,
        signal: str,
        encode: Callable[[Any], bytes],
        *,
        source: Callable[[Any], Source],
        sources: Sources,
        max_items: int | None,
    ) -> None:
        self._signal = signal
        self._encode = encode
        self._source = source
        self._sources = sources
        self._max_items = max_items

    def __call__(
        self, items: Sequence[Any], dropped: Dropped, *, lasting: bool = False
    ) -> Iterator[Chunk]:
        """Yield the chunks of *items*; one bad item costs none of its neighbours."""
        request = Request(self._sources)
        for item in items:
            # The encoders repair what they can; an item may still be none at all.
            try:
                resource, scope = self._source(item)
                request.add(resource, scope, self._encode(item))
            except Exception as error:
                dropped(1, _reason(error))
            if request.size >= CHUNK_BYTES or request.items == self._max_items:
                yield self._chunk(request, lasting=lasting)
                request = Request(self._sources)
            step()
        if request.items:
            yield self._chunk(request, lasting=lasting)

    def _chunk(self, request: Request, *, lasting: bool) -> Chunk:
        return Chunk(self._signal, request.encode(), request.items, lasting)


def _source_of_span(span: Any) -> Source:
    # The public properties of the SDK's are two calls.
    try:
        return span._resource, span._instrumentation_scope
    except AttributeError:
        return span.resource, span.instrumentation_scope


def span_encoder(redactor: Redactor | None, *, max_items: int | None) -> Encoder:
    """Return the encoder of spans."""
    return ItemEncoder(
        "traces",
        SpanEncoder(redactor).encode,
        source=_source_of_span,
        sources=Sources(redactor),
        max_items=max_items,
    )


def log_encoder(
    redactor: Redactor | None,
    *,
    max_items: int | None,
    limits: LimitSettings,
    resource: Callable[[], Resource | None],
) -> Encoder:
    """Return the encoder of log records; those of our log chain are of *resource*."""

    def source(record: Any) -> Source:
        if type(record) is LogEvent:
            return resource(), record[0]
        return record.resource, record.instrumentation_scope

    def build(redactor: Redactor | None) -> LogEncoder:
        return LogEncoder(
            redactor,
            max_attributes=limits.log_attribute_count,
            max_text=limits.log_attribute_value_length,
        )

    # Our log chain has redacted its events, for their lines.
    encoder, redacted = build(redactor), build(None)

    def encode(record: Any) -> bytes:
        return (redacted if type(record) is LogEvent else encoder).encode(record)

    return ItemEncoder(
        "logs",
        encode,
        source=source,
        sources=Sources(redactor),
        max_items=max_items,
    )


class MetricsEncoder:
    """Encodes collections; a metric whose points fill a chunk is continued in the next."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._encoder = MetricEncoder(redactor)
        self._sources = Sources(redactor)

    def __call__(
        self, items: Sequence[MetricsData], dropped: Dropped, *, lasting: bool = False
    ) -> Iterator[Chunk]:
        """Yield the chunks of *items*; one bad point costs none of its neighbours."""
        request = Request(self._sources)
        for source, metric in _metrics(items):
            points = metric.data.data_points
            try:
                frame = self._encoder.frame(metric)
            except Exception as error:
                dropped(len(points), _reason(error))
                continue
            for part in _parts(frame, points, dropped):
                request.add(*source, frame.around(part), len(part))
                # A chunk of points is copied here and again in the request.
                step()
                if request.size >= CHUNK_BYTES:
                    yield Chunk("metrics", request.encode(), request.items, lasting)
                    request = Request(self._sources)
        if request.items:
            yield Chunk("metrics", request.encode(), request.items, lasting)


def _parts(frame: Frame, points: Sequence[Any], dropped: Dropped) -> Iterator[list[bytes]]:
    """Yield *points*, encoded, in lists of at most about a chunk."""
    part: list[bytes] = []
    size = 0
    for point in points:
        # As with spans.
        try:
            part.append(frame.point(point))
            size += len(part[-1])
        except Exception as error:
            dropped(1, _reason(error))
        if size >= CHUNK_BYTES:
            yield part
            part, size = [], 0
        step()
    if part:
        yield part


def metric_points(data: MetricsData) -> int:
    """Return the number of data points in *data*."""
    return sum(len(metric.data.data_points) for _, metric in _metrics([data]))


def _metrics(collections: Sequence[MetricsData]) -> Iterator[tuple[Source, Any]]:
    for data in collections:
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    yield (resource.resource, scope.scope), metric
