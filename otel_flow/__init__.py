"""OpenTelemetry for Python services: traces, metrics and correlated logs in one call."""

from __future__ import annotations

from typing import Any

from structlog import get_logger

from otel_flow.bootstrap import configure, instrument
from otel_flow.correlation import log_context, request_id
from otel_flow.errors import ConfigError
from otel_flow.measure import counted, event, timed, traced
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


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - read only when asked for

        return version("otel-flow")
    raise AttributeError(name)
