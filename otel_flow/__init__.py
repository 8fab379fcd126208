"""OpenTelemetry for Python services: traces, metrics and correlated logs in one call."""

from __future__ import annotations

import importlib

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from structlog import get_logger

    from otel_flow.bootstrap import configure, instrument
    from otel_flow.correlation import log_context, request_id
    from otel_flow.errors import ConfigError
    from otel_flow.measure import counted, timed, traced
    from otel_flow.measure.event import event
    from otel_flow.settings import Settings
    from otel_flow.telemetry import Telemetry


__all__ = [
    "ConfigError",
    "Settings",
    "Telemetry",
    "configure",
    "counted",
    "event",
    "get_logger",
    "instrument",
    "log_context",
    "request_id",
    "timed",
    "traced",
]

_HOMES = {
    "ConfigError": "otel_flow.errors",
    "Settings": "otel_flow.settings",
    "Telemetry": "otel_flow.telemetry",
    "configure": "otel_flow.bootstrap",
    "counted": "otel_flow.measure",
    "event": "otel_flow.measure",
    "get_logger": "structlog",
    "instrument": "otel_flow.bootstrap",
    "log_context": "otel_flow.correlation",
    "request_id": "otel_flow.correlation",
    "timed": "otel_flow.measure",
    "traced": "otel_flow.measure",
}
"""Loaded when first asked for: every run of pytest and of the command line imports this package."""

_MODULES = frozenset({"errors", "measure", "settings", "telemetry"})
"""Modules that are there without an import of their own."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        found = importlib.import_module(f"otel_flow.{name}")
    elif name == "__version__":
        found = importlib.import_module("otel_flow.names.distribution").own_version()
    else:
        raise AttributeError(f"module 'otel_flow' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
