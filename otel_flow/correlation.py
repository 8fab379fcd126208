"""
Correlation: the ids that make one story of a request's spans, log lines and tasks.

The correlation id is the W3C trace id. A request id that the client sent is kept
beside it where it is valid, so that a support ticket can name either.
"""

from __future__ import annotations

import contextlib
import re

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextvars import Token

    from opentelemetry.context import Context
    from structlog.typing import EventDict, WrappedLogger


_request_id: ContextVar[str | None] = ContextVar("otel_flow_request_id", default=None)

_VALID = re.compile(r"[A-Za-z0-9._:@/+=,~-]{1,128}", re.ASCII)


def valid_request_id(text: str) -> bool:
    """Return whether *text* may serve as a request id: 1 to 128 characters that need no quoting."""
    return _VALID.fullmatch(text) is not None


def bind_request_id(value: str) -> Token[str | None]:
    """Make *value* the request id of the current context; pass the token to `unbind_request_id`."""
    return _request_id.set(value)


def unbind_request_id(token: Token[str | None]) -> None:
    """Restore the request id that was bound before."""
    _request_id.reset(token)


bound_request_id: Callable[[], str | None] = _request_id.get
"""Return the request id that was bound, None where there was none."""


def request_id() -> str | None:
    """Return the bound request id, otherwise the trace id of the current span, otherwise None."""
    return _request_id.get() or trace_id()


def trace_id() -> str | None:
    """Return the current span's trace id, 32 lowercase hexadecimal digits, or None outside a span."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def add_trace_context(_logger: WrappedLogger, _name: str, event_dict: EventDict) -> EventDict:
    """Add ``trace_id``, ``span_id`` and ``request_id`` of the current context to an event."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event_dict["trace_id"] = trace.format_trace_id(context.trace_id)
        event_dict["span_id"] = trace.format_span_id(context.span_id)
    found = _request_id.get()
    if found is not None:
        event_dict.setdefault("request_id", found)
    elif context.is_valid:
        event_dict.setdefault("request_id", event_dict["trace_id"])
    return event_dict


_carried: frozenset[str] = frozenset()


def carry_in_baggage(names: Collection[str]) -> None:
    """Have `log_context` put the values called by *names* into the baggage, ``*`` for all."""
    global _carried
    _carried = frozenset(names)


@contextlib.contextmanager
def log_context(**values: Any) -> Iterator[None]:
    """
    Bind *values* to every log event that is written inside the block.

    Those that ``OTEL_FLOW_LOG_CONTEXT_BAGGAGE`` names travel on with requests and tasks, as
    baggage, to services that bind them to their events by the same setting.
    """
    token = _attached(values)
    try:
        with structlog.contextvars.bound_contextvars(**values):
            yield
    finally:
        if token is not None:
            otel_context.detach(token)


def _attached(values: dict[str, Any]) -> Token[Context] | None:
    """Make the context with *values* in its baggage the current one, if any is carried."""
    carried = [name for name in values if name in _carried or "*" in _carried]
    if not carried:
        return None
    context = otel_context.get_current()
    for name in carried:
        # What raises when it is shown stays here.
        with contextlib.suppress(Exception):
            context = baggage.set_baggage(name, str(values[name]), context)
    return otel_context.attach(context)
