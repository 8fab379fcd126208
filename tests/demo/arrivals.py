"""Spans, records and points as a receiver hands them on, made by hand."""

from otel_flow.otlp.receiver.values import Batch, LogRecord, Point, Source, Span, SpanEvent


MS = 1_000_000


def source(service="shop"):
    return Source({"service.name": service}, "app")


def span(span_id, parent="", **fields):
    """A span of 10 ms that begins with its number."""
    values = {
        "trace_id": "a" * 32,
        "name": f"span {span_id}",
        "kind": "internal",
        "start": 0,
        "end": 10 * MS,
        "status": "unset",
        "status_message": "",
        "attributes": {},
        "events": (),
        "links": (),
        "source": source(fields.pop("service", "shop")),
    }
    return Span(span_id=span_id, parent_id=parent, **{**values, **fields})


def server_span(span_id, route="GET /", status=200, **fields):
    method, _, path = route.partition(" ")
    attributes = {"http.request.method": method, "http.response.status_code": status}
    if path:
        attributes["http.route"] = path
    return span(span_id, name=route, kind="server", attributes=attributes, **fields)


def record(span_id="", body="event", **fields):
    values = {
        "time": 5 * MS,
        "severity": "info",
        "severity_number": 9,
        "event_name": "",
        "attributes": {},
        "trace_id": "a" * 32 if span_id else "",
        "source": source(fields.pop("service", "shop")),
    }
    return LogRecord(span_id=span_id, body=body, **{**values, **fields})


def point(name, count, attributes, **fields):
    values = {
        "unit": "s",
        "kind": "histogram",
        "cumulative": True,
        "start": 0,
        "time": 1,
        "value": 1.0,
        "bounds": (),
        "buckets": (),
        "exemplars": (),
        "source": source(fields.pop("service", "shop")),
    }
    return Point(name=name, count=count, attributes=attributes, **{**values, **fields})


def exception(message="boom", time=2 * MS):
    attributes = {"exception.type": "ValueError", "exception.message": message}
    return SpanEvent(name="exception", time=time, attributes=attributes)


def batch(*items):
    return Batch(
        spans=tuple(item for item in items if isinstance(item, Span)),
        points=tuple(item for item in items if isinstance(item, Point)),
        records=tuple(item for item in items if isinstance(item, LogRecord)),
    )
