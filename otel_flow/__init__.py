"""OpenTelemetry for Python services: traces, metrics and correlated logs in one call."""

from __future__ import annotations

from typing import Any

from otel_flow.bootstrap import configure
from otel_flow.correlation import log_context, request_id
from otel_flow.errors import ConfigError
from otel_flow.settings import Settings
from otel_flow.telemetry import Telemetry


__all__ = ["ConfigError", "Settings", "Telemetry", "configure", "log_context", "request_id"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - read only when asked for

        return version("otel-flow")
    raise AttributeError(name)
