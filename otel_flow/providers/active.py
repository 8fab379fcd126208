"""The context and the span that are active, without the calls between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation import _SPAN_KEY


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context


def _context_getter() -> Callable[[], Context]:
    """Return what `get_current` calls in the end; the API's own where another runtime is set."""
    runtime = context_api._RUNTIME_CONTEXT
    if type(runtime) is ContextVarsRuntimeContext:
        return runtime._current_context.get
    return context_api.get_current


current_context = _context_getter()


def _context_switches() -> tuple[Callable[[Context], Any], Callable[[Any], None]]:
    """Return what `attach` and `detach` call in the end, or the API's own as above."""
    runtime = context_api._RUNTIME_CONTEXT
    if type(runtime) is ContextVarsRuntimeContext:
        return runtime._current_context.set, runtime._current_context.reset
    return context_api.attach, context_api.detach


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
    span: Any = context.get(_SPAN_KEY)
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
