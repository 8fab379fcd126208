"""`event`: something that happened, as an OpenTelemetry event that is a log line too."""

from __future__ import annotations

import sys

from typing import Any, Literal

import structlog


Severity = Literal["debug", "info", "warning", "error", "critical"]


def event(name: str, /, *, severity: Severity = "info", **attributes: Any) -> None:
    """
    Record that *name* happened: one log line, and one log record with *name* as its event name.

    Names are ``app.<noun>.<verb>`` by convention, such as ``app.order.placed``; what varies
    belongs into *attributes* (OpenTelemetry, Events). The logger is the calling module's, so
    that its level applies. Ids of trace, span and request are added as to every log event.
    """
    module = sys._getframe(1).f_globals.get("__name__", "otel_flow")
    log = structlog.get_logger(module)
    getattr(log, severity)(name, **{"event.name": name, **attributes})
