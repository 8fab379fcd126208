"""`audit`: what has to be accounted for, never sampled and never filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import structlog

from otel_flow import telemetry
from otel_flow.measure.event import beside
from otel_flow.names.measure import AUDIT, AUDIT_ACTOR, AUDIT_OUTCOME, AUDIT_SCOPE, AUDIT_TARGET


if TYPE_CHECKING:
    from structlog.typing import EventDict


Outcome = Literal["success", "failure", "denied"]


def audit(
    action: str,
    /,
    *,
    outcome: Outcome = "success",
    actor: str | None = None,
    target: str | None = None,
    **attributes: Any,
) -> None:
    """
    Record that *actor* did *action* to *target*, with *outcome*.

    One log line and one log record with scope ``otel_flow.audit``, whatever the level of
    logs is and whether or not the trace is sampled; the Collector keeps the scope apart.
    Before `otel_flow.configure` it is a log event like others.
    """
    own: EventDict = {
        "event": action,
        "event.name": AUDIT.name,
        "level": "info",
        "logger": AUDIT_SCOPE,
        AUDIT_OUTCOME.name: outcome,
        AUDIT_ACTOR.name: actor,
        AUDIT_TARGET.name: target,
    }
    event = {key: value for key, value in own.items() if value is not None}
    event |= beside(own, attributes)
    handle = telemetry.current()
    if handle is not None:
        handle.log(event)
        return
    named = {key: event[key] for key in event.keys() - {"event", "level", "logger"}}
    structlog.get_logger(AUDIT_SCOPE).info(action, **named)
