"""`event`: something that happened, as an OpenTelemetry event that is a log line too."""

from __future__ import annotations

import sys

from typing import TYPE_CHECKING, Any, Literal, get_args

import structlog


if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


Severity = Literal["debug", "info", "warning", "error", "critical"]
_SEVERITIES = get_args(Severity)


def event(name: str, /, *, severity: Severity = "info", **attributes: Any) -> None:
    """
    Record that *name* happened: one log line, and one log record with *name* as its event name.

    Names are ``app.<noun>.<verb>`` by convention, such as ``app.order.placed``; what varies
    belongs into *attributes* (OpenTelemetry, Events). The logger is the calling module's, so
    that its level applies. Ids of trace, span and request are added as to every log event.
    """
    module = sys._getframe(1).f_globals.get("__name__", "otel_flow")
    log = structlog.get_logger(module)
    own = {"event.name": name}
    # What a type checker would refuse costs the severity, not the event or the request.
    method = severity if severity in _SEVERITIES else "info"
    getattr(log, method)(name, **own, **beside({"event": name, **own}, attributes))


def beside(own: Collection[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return *attributes*, those that are called like one of our *own* as ``fields.<name>``."""
    return {f"fields.{key}" if key in own else key: attributes[key] for key in attributes}
