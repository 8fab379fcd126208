"""What travels with a task: the trace, the baggage, the request id and the time of publishing."""

from __future__ import annotations

import logging
import time

from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.propagators.textmap import Getter

from otel_flow.correlation import bound_request_id, trace_id, valid_request_id
from otel_flow.redaction.propagation import RedactingPropagator


if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from opentelemetry.context import Context


logger = logging.getLogger("otel_flow.instrumentation")

SENT = "otel-flow-sent"
"""Header: Unix seconds at which the task was published; messages of Celery have no such time."""

REQUEST_ID = "x-request-id"


class _HeaderGetter(Getter["Mapping[str, Any]"]):
    """Reads text from headers; brokers and Celery put values of other types beside ours."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(key)
        return [value] if isinstance(value, str) else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return list(carrier)


_GETTER = _HeaderGetter()


def write(headers: MutableMapping[str, Any], context: Context) -> None:
    """Put what belongs to *context* into *headers*, in place of what a retried task brought."""
    propagator = propagate.get_global_textmap()
    fields = propagator.fields
    for field in fields:
        headers.pop(field, None)
    headers.pop(REQUEST_ID, None)
    propagator.inject(headers, context)
    # The trace id, which serves without another, travels with the trace, if that does.
    if found := bound_request_id() or (None if fields else trace_id()):
        headers[REQUEST_ID] = found
    headers[SENT] = f"{time.time():.6f}"


def context_of(headers: Mapping[str, Any], otherwise: Context) -> Context:
    """Return the publisher's context, *otherwise* if none of the headers tells of one."""
    propagator = propagate.get_global_textmap()
    if type(propagator) is RedactingPropagator:
        found = propagator.context_alone(headers, otherwise)
        if found is not None:
            return found
    if propagator.fields.isdisjoint(headers):
        return otherwise
    # Messages come from anywhere, and propagators of users raise what they like.
    try:
        return propagator.extract(headers, otherwise, getter=_GETTER)
    except Exception:
        logger.debug("the context of a message is unknown", exc_info=True)
        return otherwise


def request_id_of(headers: Mapping[str, Any]) -> str | None:
    """Return the request id of the publisher, if it is one."""
    value = headers.get(REQUEST_ID)
    return value if isinstance(value, str) and valid_request_id(value) else None


def sent_of(headers: Mapping[str, Any]) -> float | None:
    """Return when the task was published, in Unix seconds."""
    try:
        return float(headers[SENT])
    except (KeyError, TypeError, ValueError):
        return None
