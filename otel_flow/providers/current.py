"""A span that is the current one as long as a block or a function runs."""

from __future__ import annotations

import functools
import inspect

from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode

from otel_flow.otlp.repair import text
from otel_flow.providers.active import SPAN_KEY, current_context


if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.trace import Span


class CurrentSpan:
    """
    What ``start_as_current_span`` returns: for ``with``, and as a decorator of a function.

    It does what the API's ``use_span`` does in a generator. *start* starts the span, at the
    beginning of the block and of every call.
    """

    __slots__ = ("_describe", "_end", "_record", "_span", "_start", "_token")

    def __init__(
        self, start: Callable[[], Span], *, record: bool, describe: bool, end: bool
    ) -> None:
        self._start = start
        self._record = record
        self._describe = describe
        self._end = end
        self._span: Span
        self._token: Token[Context]

    def __enter__(self) -> Span:
        """Start the span, and make it the current one."""
        self._span = span = self._start()
        self._token = context_api.attach(Context({**current_context(), SPAN_KEY: span}))
        return span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Make the span before it current again, and end this one, with *error* if it is one."""
        context_api.detach(self._token)
        span = self._span
        # What is no Exception, the end of a generator say, is no error of the span's.
        if isinstance(error, Exception) and span.is_recording():
            if self._record:
                span.record_exception(error)
            if self._describe:
                description = f"{type(error).__name__}: {text(error)}"
                span.set_status(Status(StatusCode.ERROR, description))
        if self._end:
            span.end()

    def __call__(self, function: Any) -> Any:
        """Return *function*, which may be a coroutine function, within a span of its own a call."""

        def again() -> CurrentSpan:
            return CurrentSpan(
                self._start, record=self._record, describe=self._describe, end=self._end
            )

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*arguments: Any, **keywords: Any) -> Any:
                with again():
                    return await function(*arguments, **keywords)

            return coroutine

        @functools.wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            with again():
                return function(*arguments, **keywords)

        return call
