"""Names of caches: how often they had what was asked for (no semantic convention yet)."""

from __future__ import annotations

from otel_flow.names.model import Attribute, Metric


CACHE = Attribute(
    name="otel_flow.cache.name",
    type="string",
    brief="What the application calls the cache: products, sessions.",
    stability="otel_flow",
)
OPERATION = Attribute(
    name="otel_flow.cache.operation",
    type="string",
    brief="get, set or delete.",
    stability="otel_flow",
)
RESULT = Attribute(
    name="otel_flow.cache.result",
    type="string",
    brief="hit or miss of a get, success of the others, error of any.",
    stability="otel_flow",
)

REQUESTS = Metric(
    name="otel_flow.cache.requests",
    unit="{request}",
    instrument="counter",
    brief="Keys that a cache was asked for, by what came of it.",
    attributes=(CACHE, OPERATION, RESULT),
    stability="otel_flow",
)

METRICS = (REQUESTS,)
