"""The context and the span that are active, without the calls between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import (
    INVALID_SPAN,
    SpanContext,
    get_current_span,
    set_span_in_context,
)


if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar


(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
"""Under which a context has its span: the API gives it no public name."""


def _variable() -> ContextVar[Context] | None:
    """Return where the current context is kept, None where another runtime is set."""
    runtime = getattr(context_api, "_RUNTIME_CONTEXT", None)
    known = type(runtime) is ContextVarsRuntimeContext
    return getattr(runtime, "_current_context", None) if known else None


def _context_getter() -> Callable[[], Context]:
    """Return what `get_current` calls in the end; the API's own where another runtime is set."""
    variable = _variable()
    return context_api.get_current if variable is None else variable.get


current_context = _context_getter()


def _context_switches() -> tuple[Callable[[Context], Any], Callable[[Any], None]]:
    """Return what `attach` and `detach` call in the end, or the API's own as above."""
    variable = _variable()
    if variable is None:
        return context_api.attach, context_api.detach
    return variable.set, variable.reset


enter, _restore = _context_switches()
"""Make a context the current one; `leave` wants the token that it returns."""


def leave(token: Any) -> None:
    """Make that context the current one that was it before `enter`."""
    try:
        _restore(token)
    except ValueError:
        # A coroutine that is thrown away ends in another context, with nothing to leave.
        return


def span_context_in(context: Context) -> SpanContext | None:
    """Return the span context of the span in *context*, None where there is no span."""
    span: Any = context.get(SPAN_KEY)
    if span is None:
        return None
    # The API's and the SDK's spans keep it there; of others the method is asked.
    try:
        found = span._context
    except AttributeError:
        found = None
    if type(found) is SpanContext:
        return found
    return get_current_span(context).get_span_context()
