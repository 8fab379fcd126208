"""Spans, log records and metrics of the SDK as they may leave; what holds no secret is itself."""

from __future__ import annotations

import copy
import dataclasses

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status

from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction.points import merged


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import ReadableLogRecord

    from otel_flow.redaction.policy import Redaction


class RedactedSpan(ReadableSpan):
    """A copy of a span whose secrets are masked; it counts as dropped what the original did."""

    def __init__(self, span: ReadableSpan, **parts: Any) -> None:
        super().__init__(
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            kind=span.kind,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
            **parts,
        )
        gone = len(span.attributes or ()) - len(parts["attributes"])
        self._dropped = (span.dropped_attributes + gone, span.dropped_events, span.dropped_links)

    @property
    def dropped_attributes(self) -> int:
        """The attributes that limits or the policy have dropped."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """The events that limits have dropped."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """The links that limits have dropped."""
        return self._dropped[2]


def redacted_span(span: ReadableSpan, redaction: Redaction) -> ReadableSpan:
    """Return *span* itself where nothing is masked, otherwise a masked copy."""
    name = redaction.text(span.name)
    attributes = span.attributes or {}
    shown = redaction.attributes(attributes)
    events = _each(span.events, lambda event: _event(event, redaction))
    links = _each(span.links, lambda link: _link(link, redaction))
    status = _status(span.status, redaction)
    unchanged = (
        name == span.name
        and shown is attributes
        and events is None
        and links is None
        and status is span.status
    )
    if unchanged:
        return span
    return RedactedSpan(
        span,
        name=name,
        attributes=shown,
        events=span.events if events is None else events,
        links=span.links if links is None else links,
        status=status,
    )


def _each(items: Sequence[Any], redact: Callable[[Any], Any]) -> list[Any] | None:
    """Return what *redact* makes of *items*, None where it changes none."""
    redacted = [redact(item) for item in items]
    return redacted if any(a is not b for a, b in zip(redacted, items, strict=True)) else None


def _event(event: Event, redaction: Redaction) -> Event:
    name = redaction.text(event.name)
    attributes = event.attributes or {}
    shown = redaction.attributes(attributes)
    if name == event.name and shown is attributes:
        return event
    return Event(name, shown, event.timestamp)


def _link(link: Link, redaction: Redaction) -> Link:
    attributes = link.attributes or {}
    shown = redaction.attributes(attributes)
    return link if shown is attributes else Link(link.context, shown)


def _status(status: Status, redaction: Redaction) -> Status:
    if not status.description:
        return status
    description = redaction.text(status.description)
    return status if description == status.description else Status(status.status_code, description)


def redacted_record(record: ReadableLogRecord, redaction: Redaction) -> ReadableLogRecord:
    """Return *record* itself where nothing is masked, otherwise a masked copy."""
    parts = redacted_parts(record.log_record, redaction)
    return record if parts is None else dataclasses.replace(record, log_record=parts)


def redacted_parts(record: LogRecord, redaction: Redaction) -> LogRecord | None:
    """Return a masked copy of *record*, None where nothing is masked."""
    body = redacted_body(record.body, redaction)
    attributes = record.attributes or {}
    shown = redaction.attributes(attributes)
    name = record.event_name and redaction.text(record.event_name)
    if body is record.body and shown is attributes and name == record.event_name:
        return None
    masked = copy.copy(record)
    masked.body, masked.event_name = body, name
    if shown is not attributes:
        masked.attributes = shown
    return masked


def redacted_body(body: Any, redaction: Redaction) -> Any:
    """Return the *body* of a log record, masked; a body is never dropped."""
    if isinstance(body, str):
        shown = redaction.text(body)
        return body if shown == body else shown
    redacted = redaction.attribute("body", body)
    return "[REDACTED]" if redacted is DROPPED else redacted


def _on() -> None:
    """Go on at once."""


def redacted_metrics(
    data: MetricsData, redaction: Redaction, pause: Callable[[], None] = _on
) -> MetricsData:
    """
    Return *data* itself where nothing is masked, otherwise a masked copy.

    Series that differ in nothing but what is masked are put together, since no
    backend takes two points of one series. *pause* is called after each point, so that
    thousands of them need not hold up whoever else wants to run.
    """

    def point(point: Any) -> Any:
        redacted = _point(point, redaction)
        pause()
        return redacted

    def scope(scope: Any) -> Any:
        return _with(scope, "metrics", lambda metric: _metric(metric, point))

    resources = _each(data.resource_metrics, lambda group: _with(group, "scope_metrics", scope))
    return data if resources is None else MetricsData(resources)


def _with(group: Any, field: str, redact: Callable[[Any], Any]) -> Any:
    items = _each(getattr(group, field), redact)
    return group if items is None else dataclasses.replace(group, **{field: items})


def _metric(metric: Any, redact: Callable[[Any], Any]) -> Any:
    points = _each(metric.data.data_points, redact)
    if points is None:
        return metric
    data = dataclasses.replace(metric.data, data_points=merged(metric.data, points))
    return dataclasses.replace(metric, data=data)


def _point(point: Any, redaction: Redaction) -> Any:
    attributes: Mapping[str, Any] = point.attributes or {}
    shown = redaction.attributes(attributes)
    exemplars = _each(point.exemplars, lambda exemplar: _exemplar(exemplar, redaction))
    if shown is attributes and exemplars is None:
        return point
    return dataclasses.replace(
        point,
        attributes=shown,
        exemplars=point.exemplars if exemplars is None else exemplars,
    )


def _exemplar(exemplar: Any, redaction: Redaction) -> Any:
    attributes: Mapping[str, Any] = exemplar.filtered_attributes or {}
    shown = redaction.attributes(attributes)
    if shown is attributes:
        return exemplar
    return dataclasses.replace(exemplar, filtered_attributes=shown)
