"""OpenTelemetry's global providers and propagators: ours, also where ours have ended before."""

from __future__ import annotations

import logging

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs as logs
from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import _internal as logs_internal
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_flow.names.environment import PROPAGATOR_GROUP
from otel_flow.redaction.propagation import RedactingPropagator


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.propagators.textmap import TextMapPropagator

    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings
    from otel_flow.telemetry import Telemetry


_logger = logging.getLogger("otel_flow")

_ours: set[int] = set()
"""The identities of global providers that we have set; they are never collected."""


def set_globals(settings: Settings, handle: Telemetry) -> None:
    """
    Make the providers of *handle* the global ones, and the propagators those of *settings*.

    A provider that somebody else has set stays, and one line says what that means.
    """
    _set(handle.meter_provider, metrics_internal, "METER", metrics.set_meter_provider)
    _set(handle.tracer_provider, trace, "TRACER", trace.set_tracer_provider)
    _set(handle.logger_provider, logs_internal, "LOGGER", logs.set_logger_provider)
    propagate.set_global_textmap(build_propagator(settings, handle.redaction))


def _set(provider: Any, owner: Any, kind: str, setter: Callable[[Any], None]) -> None:
    """
    Make *provider* the global one of *kind*.

    The API takes one provider in the life of a process. One of ours that was shut down
    makes room for the next, so that a program, or a test suite, can start telemetry again.
    """
    name = f"_{kind}_PROVIDER"
    running = getattr(owner, name, None)
    if running is not None and id(running) not in _ours:
        _logger.warning(
            "another %s provider is installed, %s: what is recorded through OpenTelemetry's "
            "global functions goes there. Remove its set-up, or pass providers explicitly.",
            kind.lower(),
            type(running).__qualname__,
        )
        return
    once = getattr(owner, f"{name}_SET_ONCE", None)
    if running is not None and once is not None:
        setattr(owner, name, None)
        once._done = False
    setter(provider)
    _ours.add(id(provider))


_OWN_PROPAGATORS: dict[str, type[TextMapPropagator]] = {
    "tracecontext": TraceContextTextMapPropagator,
    "baggage": W3CBaggagePropagator,
}


def build_propagator(settings: Settings, redaction: Redaction) -> CompositePropagator:
    """Return the propagators that *settings* name, in their order; baggage passes *redaction*."""
    return RedactingPropagator(
        [_propagator(name) for name in settings.propagators if name != "none"], redaction
    )


def _propagator(name: str) -> Any:
    if own := _OWN_PROPAGATORS.get(name):
        return own()
    (entry_point, *_) = entry_points(group=PROPAGATOR_GROUP, name=name)
    return entry_point.load()()
