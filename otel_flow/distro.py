"""The entry points of ``opentelemetry-instrument``: thin, and never fatal for the application."""

from __future__ import annotations

import logging
import os
import sys

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from otel_flow.bootstrap import start
from otel_flow.errors import OtelFlowError
from otel_flow.settings import Settings


if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


logger = logging.getLogger("otel_flow.instrumentation")

_STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
_DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

_REPLACED = frozenset(
    {"logging", "structlog", "fastapi", "starlette", "sqlalchemy", "redis", "celery", "threading"}
)
"""Contrib's instrumentors whose work is ours; with both, everything would arrive twice."""

_before: list[str | None] = []
"""The user's value of the disable variable, while instrumentors load."""


class FlowDistro(BaseDistro):  # type: ignore[misc]
    """Asks the instrumentors that are loaded for the stable semantic conventions."""

    def _configure(self, **_keywords: Any) -> None:
        os.environ.setdefault(_STABLE, "http,database")

    def load_instrumentor(self, entry_point: EntryPoint, **keywords: Any) -> None:
        """Load the instrumentor of *entry_point*, unless we do its work; a failure is its own."""
        if entry_point.name in _REPLACED:
            return
        # Upstream's loader gives up on all that follow when one raises.
        try:
            super().load_instrumentor(entry_point, **keywords)
        except ImportError:
            raise
        except Exception as error:
            logger.error(  # noqa: TRY400 - one line, no traceback
                "%s is not instrumented: %s: %s", entry_point.name, type(error).__name__, error
            )


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
        disable_contrib_sqlalchemy()


def disable_contrib_sqlalchemy() -> None:
    """
    Keep contrib's SQLAlchemy instrumentor from being tried, until `after_instrumentors`.

    It is pinned to SQLAlchemy < 2.1, and the loader reports that as an error before
    a distro can say a word (open-telemetry/opentelemetry-python-contrib#5063).
    """
    before = os.environ.get(_DISABLED)
    _before.append(before)
    os.environ[_DISABLED] = f"{before},sqlalchemy" if before else "sqlalchemy"


def after_instrumentors() -> None:
    """Restore the disable variable, so that child processes inherit what the user set."""
    if not _before:
        return
    before = _before.pop()
    if before is None:
        os.environ.pop(_DISABLED, None)
    else:
        os.environ[_DISABLED] = before
