"""
What can be read of a span or log record whose fields are not what they should be.

The encoders read the fields of an item as if all were right. Where that fails, they
read it again from here: the same fields, each taken on its own through the public
properties, and whatever cannot be read left out and counted as dropped where OTLP has
a count for it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind, StatusCode

from otel_flow.otlp.records import LogEvent
from otel_flow.otlp.repair import Unencodable, plain, text


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.otlp.repair import Bounds


UNKNOWN_KIND = -1
_UNSIGNED_64 = 2**64 - 1
_UNSIGNED_32 = 2**32 - 1
_HIGHEST_SEVERITY = 24
_TRACE_BITS, _SPAN_BITS = 128, 64


def salvaged_span(span: Any, bounds: Bounds) -> Any:
    """
    Return the fields of *span*, named as the SDK's ``Span`` names them, fit for the encoder.

    Raises `Unencodable` where it has no usable ids: nothing could refer to it.
    """
    attributes, lost = _attributes(span, bounds)
    events, lost_events = _several(span, "events", lambda event: _event(event, bounds))
    links, lost_links = _several(span, "links", lambda link: _link(link, bounds))
    parent = _read(span, "parent")
    return SimpleNamespace(
        _context=_context(_read(span, "context")),
        _parent=None if parent is None else _parent(parent),
        _name=_text_or_none(_read(span, "name"), bounds),
        _kind=SimpleNamespace(_value_=_kind(_read(span, "kind"))),
        _start_time=nanoseconds(_read(span, "start_time")),
        _end_time=nanoseconds(_read(span, "end_time")),
        _attributes=attributes,
        dropped_attributes=_count(span, "dropped_attributes", lost),
        _events=events,
        dropped_events=_count(span, "dropped_events", lost_events),
        _links=links,
        dropped_links=_count(span, "dropped_links", lost_links),
        _status=_status(_read(span, "status"), bounds),
    )


def salvaged_log(item: Any, bounds: Bounds) -> LogEvent:
    """Return *item*, a log record of the SDK or a `LogEvent`, with fields fit for the encoder."""
    record = _read(item, "log_record") or item
    attributes, lost = _attributes(record, bounds)
    severity = _read(record, "severity_number")
    return LogEvent(
        None,
        timestamp=nanoseconds(_read(record, "timestamp")),
        observed_timestamp=nanoseconds(_read(record, "observed_timestamp")),
        severity_number=min(_small(getattr(severity, "value", severity)), _HIGHEST_SEVERITY),
        severity_text=_text_or_none(_read(record, "severity_text"), bounds) or "",
        body=plain(_read(record, "body"), bounds),
        attributes=attributes,
        dropped_attributes=_count(item, "dropped_attributes", lost),
        trace_id=_id_or_none(_read(record, "trace_id"), _TRACE_BITS) or 0,
        span_id=_id_or_none(_read(record, "span_id"), _SPAN_BITS) or 0,
        trace_flags=_small(_read(record, "trace_flags")),
        event_name=_text_or_none(_read(record, "event_name"), bounds),
    )


def nanoseconds(value: Any) -> int:
    """Return *value* as a time of OTLP: within 64 bits, and 0, which is unknown, for what is none."""
    if not isinstance(value, int | float):
        return 0
    # A float may be no number, or infinite.
    try:
        return min(max(int(value), 0), _UNSIGNED_64)
    except (ValueError, OverflowError):
        return 0


def _read(item: Any, name: str) -> Any:
    # Properties of the application's own classes raise what they like.
    try:
        return getattr(item, name, None)
    except Exception:
        return None


def _attributes(item: Any, bounds: Bounds) -> tuple[dict[str, Any], int]:
    """Return the attributes of *item* as a dict of plain values, and how many were lost."""
    attributes = plain(_read(item, "attributes"), bounds)
    if attributes is None:
        return {}, 0
    return (attributes, 0) if isinstance(attributes, dict) else ({}, 1)


def _several(item: Any, name: str, salvage: Callable[[Any], Any]) -> tuple[tuple[Any, ...], int]:
    """Return what can be had of the events or links of *item*, and how many were lost."""
    kept: list[Any] = []
    lost = 0
    # As above; what has been read by then is kept.
    try:
        for each in _read(item, name) or ():
            try:
                kept.append(salvage(each))
            except Exception:
                lost += 1
    except Exception:
        lost += 1
    return tuple(kept), lost


def _event(event: Any, bounds: Bounds) -> Any:
    attributes, lost = _attributes(event, bounds)
    return SimpleNamespace(
        name=text(event.name, bounds),
        timestamp=nanoseconds(event.timestamp),
        attributes=attributes,
        dropped_attributes=_count(event, "dropped_attributes", lost),
    )


def _link(link: Any, bounds: Bounds) -> Any:
    trace_id, span_id, is_remote, *_ = _context(link.context)
    attributes, lost = _attributes(link, bounds)
    return SimpleNamespace(
        context=SimpleNamespace(trace_id=trace_id, span_id=span_id, is_remote=is_remote),
        attributes=attributes,
        dropped_attributes=_count(link, "dropped_attributes", lost),
    )


def _context(context: Any) -> tuple[int, int, bool, None, Any, None]:
    trace_id = _id_or_none(_read(context, "trace_id"), _TRACE_BITS)
    span_id = _id_or_none(_read(context, "span_id"), _SPAN_BITS)
    if not trace_id or not span_id:
        raise Unencodable("invalid_ids")
    state = plain(_read(context, "trace_state"))
    known = state if isinstance(state, dict) else {}
    return trace_id, span_id, _read(context, "is_remote") is True, None, known, None


def _parent(parent: Any) -> tuple[int, int, bool, None, Any, None] | None:
    try:
        return _context(parent)
    except Unencodable:
        return None


def _id_or_none(value: Any, bits: int) -> int | None:
    return value if type(value) is int and 0 < value < 2**bits else None


def _kind(kind: Any) -> int:
    return kind.value if isinstance(kind, SpanKind) else UNKNOWN_KIND


def _status(status: Any, bounds: Bounds) -> Any:
    code = _read(status, "status_code")
    return SimpleNamespace(
        _status_code=code if isinstance(code, StatusCode) else StatusCode.UNSET,
        _description=_text_or_none(_read(status, "description"), bounds),
    )


def _count(item: Any, name: str, lost: int) -> int:
    return _small(_read(item, name)) + lost


def _small(value: Any) -> int:
    return min(max(int(value), 0), _UNSIGNED_32) if isinstance(value, int) else 0


def _text_or_none(value: Any, bounds: Bounds) -> str | None:
    return None if value is None else text(value, bounds)
