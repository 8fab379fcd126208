"""What a name is: the metric, attribute and event definitions that the domains are written in."""

from __future__ import annotations

import dataclasses

from typing import Literal


Stability = Literal["stable", "development", "otel_flow"]
"""``stable`` and ``development`` as in the semantic conventions; ``otel_flow`` for names of ours."""

Instrument = Literal["counter", "updowncounter", "histogram", "gauge"]

Kind = Literal["SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of spans, metrics or log records."""

    name: str
    type: Literal["string", "int", "double", "boolean", "string[]"]
    brief: str
    stability: Stability = "stable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """An instrument: its name, unit (UCUM), kind and the attributes its points carry."""

    name: str
    unit: str
    instrument: Instrument
    brief: str
    attributes: tuple[Attribute, ...] = ()
    buckets: tuple[float, ...] = ()
    observed: bool = False
    """Whether the values come from a callback at collection."""
    stability: Stability = "stable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A named log record (an OpenTelemetry event)."""

    name: str
    severity: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    brief: str
    attributes: tuple[Attribute, ...] = ()
    stability: Stability = "otel_flow"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A kind of span; *name* has the attributes that it is made of in braces."""

    name: str
    kind: Kind
    brief: str
    attributes: tuple[Attribute, ...] = ()
    stability: Stability = "stable"


SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bucket bounds that the semantic conventions advise for durations of requests, in seconds."""
