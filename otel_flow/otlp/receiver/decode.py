"""From the bytes of an export request to plain values (specification: OTLP, JSON Protobuf encoding)."""

from __future__ import annotations

import base64
import binascii
import json

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA

from otel_flow.otlp.receiver.values import (
    Batch,
    Exemplar,
    LogRecord,
    Point,
    PointKind,
    Source,
    Span,
    SpanEvent,
    SpanKind,
    SpanStatus,
)


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
SIGNALS = tuple(_REQUESTS)

_KINDS: tuple[SpanKind, ...] = (
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
)
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")
_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


class UnreadableError(ValueError):
    """The body is no export request of its signal."""


def decode(signal: str, body: bytes, *, is_json: bool = False) -> Batch:
    """
    Return what *body* carries, a request of *signal* (``traces``, ``metrics`` or ``logs``).

    Raises `UnreadableError` for whatever cannot be read.
    """
    request = _REQUESTS[signal]()
    try:
        if is_json:
            json_format.ParseDict(
                _with_bytes(json.loads(body)), request, ignore_unknown_fields=True
            )
        else:
            request.ParseFromString(body)
        return _DECODERS[signal](request)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError, TypeError) as error:
        raise UnreadableError(f"not a request for {signal}: {error}") from error


def _with_bytes(value: Any) -> Any:
    """Return parsed JSON with its ids as protobuf wants them: OTLP writes hexadecimal digits."""
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if isinstance(value, dict):
        return {key: _id(item) if key in _IDS else _with_bytes(item) for key, item in value.items()}
    return value


def _id(text: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (TypeError, ValueError, binascii.Error) as error:
        raise UnreadableError(f"an id is not hexadecimal: {text!r}") from error


def _traces(request: Any) -> Batch:
    return Batch(
        spans=tuple(
            _span(span, source)
            for group in request.resource_spans
            for scope, source in _scopes(group.resource, group.scope_spans)
            for span in scope.spans
        )
    )


def _metrics(request: Any) -> Batch:
    return Batch(
        points=tuple(
            point
            for group in request.resource_metrics
            for scope, source in _scopes(group.resource, group.scope_metrics)
            for metric in scope.metrics
            for point in _points(metric, source)
        )
    )


def _logs(request: Any) -> Batch:
    return Batch(
        records=tuple(
            _record(record, source)
            for group in request.resource_logs
            for scope, source in _scopes(group.resource, group.scope_logs)
            for record in scope.log_records
        )
    )


_DECODERS = {"traces": _traces, "metrics": _metrics, "logs": _logs}


def _scopes(resource: Any, scopes: Iterable[Any]) -> Iterator[tuple[Any, Source]]:
    attributes = _mapping(resource.attributes)
    for scope in scopes:
        yield scope, Source(attributes, scope.scope.name)


def _span(span: Any, source: Source) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "unspecified",
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        status=_status(span.status.code),
        status_message=span.status.message,
        attributes=_mapping(span.attributes),
        events=tuple(
            SpanEvent(
                name=event.name, time=event.time_unix_nano, attributes=_mapping(event.attributes)
            )
            for event in span.events
        ),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        source=source,
    )


def _status(code: int) -> SpanStatus:
    return _STATUSES[code] if 0 <= code < len(_STATUSES) else "unset"


def _points(metric: Any, source: Source) -> Iterator[Point]:
    field = metric.WhichOneof("data")
    if field not in {"gauge", "sum", "histogram", "exponential_histogram"}:
        return
    data = getattr(metric, field)
    kind: PointKind = field
    if field == "sum":
        kind = "counter" if data.is_monotonic else "updowncounter"
    delta = field != "gauge" and data.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
    for point in data.data_points:
        is_number = field in {"gauge", "sum"}
        yield Point(
            name=metric.name,
            unit=metric.unit,
            kind=kind,
            cumulative=not delta,
            attributes=_mapping(point.attributes),
            start=point.start_time_unix_nano,
            time=point.time_unix_nano,
            value=_number(point) if is_number else point.sum,
            count=1 if is_number else point.count,
            bounds=tuple(point.explicit_bounds) if field == "histogram" else (),
            buckets=tuple(point.bucket_counts) if field == "histogram" else (),
            exemplars=tuple(_exemplar(exemplar) for exemplar in point.exemplars),
            source=source,
        )


def _exemplar(exemplar: Any) -> Exemplar:
    return Exemplar(
        value=_number(exemplar),
        time=exemplar.time_unix_nano,
        trace_id=exemplar.trace_id.hex(),
        span_id=exemplar.span_id.hex(),
    )


def _number(point: Any) -> float:
    return point.as_int if point.WhichOneof("value") == "as_int" else point.as_double  # type: ignore[no-any-return]


def _record(record: Any, source: Source) -> LogRecord:
    return LogRecord(
        time=record.time_unix_nano or record.observed_time_unix_nano,
        severity=record.severity_text,
        severity_number=record.severity_number,
        body=_value(record.body),
        event_name=record.event_name,
        attributes=_mapping(record.attributes),
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        source=source,
    )


def _mapping(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    """Return an ``AnyValue`` as Python writes it."""
    field = value.WhichOneof("value")
    if field is None:
        return None
    inner = getattr(value, field)
    if field == "array_value":
        return [_value(item) for item in inner.values]
    if field == "kvlist_value":
        return _mapping(inner.values)
    return inner
