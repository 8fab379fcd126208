"""The entry points of ``opentelemetry-instrument``: thin, and never fatal for the application."""

from __future__ import annotations

import os
import sys

from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro

from otel_flow.bootstrap import start
from otel_flow.errors import OtelFlowError
from otel_flow.settings import Settings


_STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"


class FlowDistro(BaseDistro):
    """Asks the instrumentors that stay loaded for the stable semantic conventions."""

    def _configure(self, **_keywords: Any) -> None:
        os.environ.setdefault(_STABLE, "http,database")


class FlowConfigurator:
    """Configures all three signals from the environment."""

    def configure(self, **_keywords: Any) -> None:
        """
        Start telemetry.

        A wrong configuration is printed once, whole, and the application runs
        untraced: it was not the application that asked for telemetry.
        """
        try:
            start(Settings.from_environ())
        except OtelFlowError as error:
            sys.stderr.write(f"otel-flow: telemetry is off. {error}\n")
