"""What the SDK recorded, as dictionaries of plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import format_span_id, format_trace_id


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    Shown = Callable[[int | None], int | None]


def plain_span(span: ReadableSpan, shown: Shown) -> dict[str, Any]:
    """Return *span* as a dictionary; ids are in hexadecimal, times, as *shown*, in nanoseconds."""
    context: Any = span.context
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
        "parent_span_id": span.parent and format_span_id(span.parent.span_id),
        "start_time": shown(span.start_time),
        "end_time": shown(span.end_time),
        "status": span.status.status_code.name,
        "status_description": span.status.description,
        "attributes": plain_attributes(span.attributes),
        "events": [
            {
                "name": event.name,
                "time": shown(event.timestamp),
                "attributes": plain_attributes(event.attributes),
            }
            for event in span.events
        ],
        "links": [
            {
                "trace_id": format_trace_id(link.context.trace_id),
                "span_id": format_span_id(link.context.span_id),
                "attributes": plain_attributes(link.attributes),
            }
            for link in span.links
        ],
        "scope": span.instrumentation_scope and span.instrumentation_scope.name,
    }


def plain_record(readable: ReadableLogRecord, shown: Shown) -> dict[str, Any]:
    """Return a log record as a dictionary; without a span its ids are None."""
    record = readable.log_record
    return {
        "body": record.body,
        "event_name": record.event_name,
        "severity": record.severity_text,
        "time": shown(record.timestamp),
        "trace_id": format_trace_id(record.trace_id) if record.trace_id else None,
        "span_id": format_span_id(record.span_id) if record.span_id else None,
        "attributes": plain_attributes(record.attributes),
        "scope": readable.instrumentation_scope and readable.instrumentation_scope.name,
    }


_POINT_FIELDS = (
    "value",
    "count",
    "sum",
    "min",
    "max",
    "bucket_counts",
    "explicit_bounds",
    "scale",
    "zero_count",
)


def plain_point(point: Any, metric: Any, scope: str) -> dict[str, Any]:
    """Return a data *point* as a dictionary, with what describes its *metric*."""
    return {
        "name": metric.name,
        "unit": metric.unit,
        "attributes": plain_attributes(point.attributes),
        **_fields(point),
        "exemplars": [_exemplar(one) for one in point.exemplars],
        "scope": scope,
    }


def _fields(point: Any) -> dict[str, Any]:
    found = {name: getattr(point, name) for name in _POINT_FIELDS if hasattr(point, name)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}


def _exemplar(exemplar: Any) -> dict[str, Any]:
    return {
        "value": exemplar.value,
        "trace_id": exemplar.trace_id and format_trace_id(exemplar.trace_id),
        "span_id": exemplar.span_id and format_span_id(exemplar.span_id),
        "attributes": plain_attributes(exemplar.filtered_attributes),
    }


def plain_attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return *attributes* as a dictionary, with lists where the SDK keeps tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in (attributes or {}).items()
    }
