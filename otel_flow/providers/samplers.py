"""Samplers by the names of the specification (`OTEL_TRACES_SAMPLER`) and by entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

from otel_flow.names.environment import SAMPLER_GROUP
from otel_flow.providers.route_sampling import RouteSampler


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.settings import Settings


_FIXED: dict[str, Sampler] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}

_BY_RATIO: dict[str, Callable[[float], Sampler]] = {
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


def build_sampler(settings: Settings) -> Sampler:
    """
    Return the sampler that *settings* name, with their ratios for single routes before it.

    A sampler that is an entry point is called with the argument as a string,
    as the SDK calls it. Raises whatever that factory raises.
    """
    named = _named(settings)
    return RouteSampler(settings.route_sampling, named) if settings.route_sampling else named


def _named(settings: Settings) -> Sampler:
    if fixed := _FIXED.get(settings.sampler):
        return fixed
    if by_ratio := _BY_RATIO.get(settings.sampler):
        argument = settings.sampler_argument
        return by_ratio(1.0 if argument is None else float(argument))
    (entry_point, *_) = entry_points(group=SAMPLER_GROUP, name=settings.sampler)
    return cast("Sampler", entry_point.load()(settings.sampler_argument or ""))
