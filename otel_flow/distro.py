"""The entry points of ``opentelemetry-instrument``: thin, and never fatal for the application."""

from __future__ import annotations

import os
import sys

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from otel_flow.bootstrap import start
from otel_flow.errors import OtelFlowError
from otel_flow.settings import Settings


if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


_STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"

_REPLACED = frozenset({"logging", "structlog"})
"""Instrumentors whose work our log chain does; with both, every event would arrive twice."""


class FlowDistro(BaseDistro):  # type: ignore[misc]
    """Asks the instrumentors that are loaded for the stable semantic conventions."""

    def _configure(self, **_keywords: Any) -> None:
        os.environ.setdefault(_STABLE, "http,database")

    def load_instrumentor(self, entry_point: EntryPoint, **keywords: Any) -> None:
        """Load the instrumentor of *entry_point*, unless we do its work."""
        if entry_point.name not in _REPLACED:
            super().load_instrumentor(entry_point, **keywords)


class FlowConfigurator:
    """Configures all three signals from the environment."""

    def configure(self, **_keywords: Any) -> None:
        """
        Start telemetry.

        A wrong configuration is printed once, whole, and the application runs
        untraced: it was not the application that asked for telemetry.
        """
        try:
            start(Settings.from_environ(), under_wrapper=True)
        except OtelFlowError as error:
            sys.stderr.write(f"otel-flow: telemetry is off. {error}\n")
