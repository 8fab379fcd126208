"""All names in one place: every span, metric, event and attribute that otel-flow records."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from otel_flow.names import (
    cache,
    celery,
    database,
    delivery,
    doctor,
    http,
    logs,
    measure,
    resource,
    runtime,
)


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otel_flow.names.model import Attribute, Event, Metric, Span, Stability


_STABILITIES: dict[Stability, str] = {
    "stable": "stable",
    "development": "development",
    "otel_flow": "otel-flow",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What is recorded of one subject."""

    title: str
    spans: tuple[Span, ...] = ()
    metrics: tuple[Metric, ...] = ()
    events: tuple[Event, ...] = ()
    attributes: tuple[Attribute, ...] = ()


DOMAINS = (
    Domain(title="HTTP", spans=http.SPANS, metrics=http.METRICS, events=http.EVENTS),
    Domain(
        title="Databases and Redis",
        spans=database.SPANS,
        metrics=database.METRICS,
        events=database.EVENTS,
    ),
    Domain(title="Caches", metrics=cache.METRICS),
    Domain(title="Celery", spans=celery.SPANS, metrics=celery.METRICS),
    Domain(
        title="Your own code",
        spans=measure.SPANS,
        metrics=measure.METRICS,
        events=measure.EVENTS,
        attributes=(measure.USER_ID, measure.USER_HASH, measure.CURRENCY),
    ),
    Domain(title="Process and interpreter", metrics=runtime.METRICS, events=runtime.EVENTS),
    Domain(title="Delivery", metrics=delivery.METRICS),
    Domain(title="Doctor", metrics=(doctor.PROBES,), events=(doctor.PROBE,)),
    Domain(title="Log records", attributes=logs.ATTRIBUTES),
    Domain(title="Resource", attributes=resource.ATTRIBUTES),
)
"""Every subject, in the order of the page."""


def as_dicts() -> list[dict[str, Any]]:
    """Return all domains as plain values, for JSON."""
    return [dataclasses.asdict(domain) for domain in DOMAINS]


def attributes_of(domain: Domain) -> tuple[Attribute, ...]:
    """Return the attributes of *domain*, each once, by name."""
    owners: tuple[Span | Metric | Event, ...] = (*domain.spans, *domain.metrics, *domain.events)
    named = {attribute.name: attribute for attribute in domain.attributes}
    for owner in owners:
        for attribute in owner.attributes:
            named.setdefault(attribute.name, attribute)
    return tuple(named[name] for name in sorted(named))


def markdown() -> str:
    """Return all domains as Markdown: a heading each, a table for each kind of name."""
    return "\n".join(line for domain in DOMAINS for line in _section(domain))


def _section(domain: Domain) -> Iterator[str]:
    yield f"## {domain.title}"
    yield ""
    yield from _table(
        ("Span", "Kind", "Attributes", "Status", "What it is"),
        ((s.name, s.kind, _names(s.attributes), _status(s), s.brief) for s in domain.spans),
    )
    yield from _table(
        ("Metric", "Kind and unit", "Attributes", "Status", "What it is"),
        (
            (m.name, f"{m.instrument}, `{m.unit}`", _names(m.attributes), _status(m), m.brief)
            for m in domain.metrics
        ),
    )
    yield from _table(
        ("Event", "Severity", "Attributes", "Status", "What it is"),
        ((e.name, e.severity, _names(e.attributes), _status(e), e.brief) for e in domain.events),
    )
    yield from _table(
        ("Attribute", "Type", "Status", "What it is"),
        ((a.name, a.type, _status(a), a.brief) for a in attributes_of(domain)),
    )


def _names(attributes: Iterable[Attribute]) -> str:
    return ", ".join(f"`{attribute.name}`" for attribute in attributes) or "–"  # noqa: RUF001 - a dash


def _status(named: Span | Metric | Event | Attribute) -> str:
    return _STABILITIES[named.stability]


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table whose first column holds names; nothing where there is no row."""
    lines = [f"| `{name}` | {' | '.join(cells)} |" for name, *cells in rows]
    if lines:
        yield f"| {' | '.join(header)} |"
        yield f"|{'---|' * len(header)}"
        yield from lines
        yield ""
