"""`traced`: a span for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from opentelemetry import context as context_api
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from otel_flow.measure.arguments import picker
from otel_flow.measure.call import measured
from otel_flow.measure.function import name_of
from otel_flow.measure.recording import error_type, tracer
from otel_flow.names.measure import ERROR_TYPE, FUNCTION


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from otel_flow.measure.arguments import Wanted
    from otel_flow.measure.call import Begin


F = TypeVar("F", bound="Callable[..., Any]")


@overload
def traced(target: F, /) -> F: ...


@overload
def traced(
    target: str | None = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    record_exception: bool = True,
) -> Callable[[F], F]: ...


def traced(
    target: Any = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    record_exception: bool = True,
) -> Any:
    """
    Record a span for each call of the decorated function or of the class' public methods.

    With a string in the place of the function that is the span's name; by default it is the
    function's qualified name. *arguments* are the parameters that become attributes,
    *attributes* are the same for every call. A generator's span lasts until it is exhausted
    or closed, and is current while its own code runs. An exception sets the status to error,
    ``error.type`` and, unless *record_exception* is false, an event; it is raised on as it is.

    Raises `ValueError` for an argument that the function does not have.
    """
    if target is not None and not isinstance(target, str):
        return traced()(target)

    def begin_of(function: Callable[..., Any]) -> Begin:
        found_at = name_of(function)
        name = target or found_at.qualified
        fixed = {FUNCTION.name: str(found_at)}
        fixed |= attributes or {}
        pick = picker(function, arguments)
        scope = found_at.module

        def begin(positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> SpanCall:
            found = {**fixed, **pick(positional, keywords)}
            span = tracer(scope).start_span(name, kind=kind, attributes=found)
            return SpanCall(span, record_exception=record_exception)

        return begin

    return lambda decorated: measured(decorated, begin_of)


class SpanCall:
    """A call under a span."""

    __slots__ = ("_context", "_record", "_token", "span")

    def __init__(self, span: Span, *, record_exception: bool) -> None:
        self.span = span
        self._context = set_span_in_context(span)
        self._record = record_exception
        self._token: Token[Context] | None = None

    def resume(self) -> None:
        """Make the span current."""
        self._token = context_api.attach(self._context)

    def pause(self) -> None:
        """Make current what was so before."""
        if self._token is not None:
            context_api.detach(self._token)
            self._token = None

    def end(self, error: BaseException | None) -> None:
        """End the span."""
        if error is not None:
            self.span.set_status(StatusCode.ERROR)
            self.span.set_attribute(ERROR_TYPE.name, error_type(error))
            if self._record:
                self.span.record_exception(error)
        self.span.end()
