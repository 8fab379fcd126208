"""One request and its response."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry.trace import StatusCode, set_span_in_context

from otel_flow.correlation import bind_request_id, unbind_request_id
from otel_flow.instrumentation.asgi.failure import has_left, single
from otel_flow.measure.recording import error_type
from otel_flow.names import http as names
from otel_flow.providers.active import enter, leave


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.asgi.description import Description
    from otel_flow.instrumentation.asgi.server import HttpServer

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


_UNANSWERED = "no_response"
"""``error.type`` of what servers answer with a 500 of their own, which we do not see."""


class Exchange:
    """
    What is known of a request until its response is complete.

    As a context manager it is the current one. Its `send` stands in for the server's. A response that failed is closed when the
    application has returned, because only then its exception is known; any other
    with its last byte, so that background tasks do not count as time to answer.
    """

    __slots__ = (
        "_answered_after",
        "_bound",
        "_described",
        "_ended",
        "_gone",
        "_head",
        "_send",
        "_server",
        "_size",
        "_started",
        "_token",
        "context",
        "key",
        "request_id",
        "response_size",
        "scope",
        "span",
        "status",
    )

    def __init__(  # noqa: PLR0917 - called once a request, from one place
        self,
        server: HttpServer,
        scope: MutableMapping[str, Any],
        send: Send,
        described: Description,
        span: Span,
        context: Context,
        size: bytes | None,
        request_id: str | None,
    ) -> None:
        self._server = server
        self.scope = scope
        self._send = send
        self._described = described
        self.span = span
        self.context = context
        self.key = described.key
        self._size = size
        self.request_id = request_id
        self.response_size = 0
        self.status: int | None = None
        self._answered_after: float | None = None
        self._ended = False
        self._gone = False
        self._head: Message = {}
        self._started = perf_counter()

    def __enter__(self) -> None:
        """Begin: what happens from now on belongs to its span."""
        self._server.metrics.active[self] = self.key
        self._token = enter(self.context)
        self._bound = bind_request_id(self.request_id) if self.request_id else None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End with the *error* that left the application, if any."""
        try:
            self.end(error)
        finally:
            if self._bound is not None:
                unbind_request_id(self._bound)
            leave(self._token)

    async def receive(self, receive: Receive) -> Message:
        """Return what *receive* brings, and see whether the client is still there."""
        message = await receive()
        if message["type"] == "http.disconnect":
            self._gone = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Pass *message* on, with our headers added, and see what it says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._head = message
            # No coroutine of ours around that of the server.
            return self._send(self._server.with_headers(message, self))
        return self._pass(message)

    async def _pass(self, message: Message) -> None:
        await self._send(message)
        kind = message["type"]
        if kind == "http.response.body":
            if self.key[0] != "HEAD":
                self.response_size += len(message.get("body", b""))
        elif kind in _LAST:
            self.response_size = _announced(self._head)
        if not message.get("more_body") and kind in _LAST:
            self._responded()

    def elapsed(self) -> float:
        """Return the seconds since the request began."""
        return perf_counter() - self._started

    def _responded(self) -> None:
        self._answered_after = perf_counter() - self._started
        if self.status is not None and self.status < _FAILURE:
            self.end(None)

    def end(self, error: BaseException | None) -> None:
        """
        Record what happened, once; *error* is what left the application.

        What leaves it after the response, from a background task, has a span of its own:
        the one that tells of the response has ended with it.
        """
        if self._ended:
            if error is not None and not has_left(error):
                self._failed_afterwards(error)
            return
        self._ended = True
        seconds = self._answered_after or self.elapsed()
        # Whatever goes wrong in here is ours alone; the response is on its way.
        try:
            self._record(seconds, error)
        except Exception as failure:
            self._server.broken(failure)
        finally:
            self._server.metrics.active.pop(self, None)
            self.span.end()

    def _record(self, seconds: float, error: BaseException | None) -> None:
        cause = None if error is None else single(error)
        status = self.status
        if cause is not None:
            left = has_left(cause)
        else:
            # A response that was begun and given up: nobody was there to take it.
            left = self._answered_after is None and (status is not None or self._gone)
        fine = cause is None and status is not None and status < _FAILURE
        error_type = None if left or fine else self._error_type(cause)
        server, span = self._server, self.span
        route = server.route_of(self.scope)
        series = server.metrics.series((*self.key, route, status, error_type))
        if (describe := getattr(span, "describe", None)) is not None:
            describe(series.name, series.outcome)
        elif span.is_recording():
            span.update_name(series.name)
            span.set_attributes(series.outcome)
        if error_type is not None:
            span.set_status(StatusCode.ERROR)
        if left:
            span.set_attribute("otel_flow.http.disconnected", True)
        elif cause is not None:
            span.record_exception(cause)
        size = self._size
        request_size = None
        # Not every server refuses what no body can be.
        if size is not None and size.isdigit() and len(size) < _DIGITS:
            request_size = int(size)
        series.record(seconds, request_size, self.response_size, self.context)
        if error is None:
            lines = server.lines
            if not lines.tell(seconds) or lines.answered_shortly(seconds, series, self):
                return
        self._log(seconds, error, left, lambda: self._keys(seconds, route, error_type))

    def _log(
        self,
        seconds: float,
        error: BaseException | None,
        left: bool,
        keys: Callable[[], dict[str, Any]],
    ) -> None:
        lines = self._server.lines
        # The response may have been sent by another task than the request came to.
        token = context_api.attach(self.context)
        try:
            if error is not None:
                if left:
                    lines.left(error)
                else:
                    lines.failed(error, keys)
            lines.answered(seconds, keys)
        finally:
            context_api.detach(token)

    def _failed_afterwards(self, error: BaseException) -> None:
        cause = single(error)
        named = error_type(cause)
        # As in `end`.
        try:
            route = self._server.route_of(self.scope)
            seconds = self.elapsed() - (self._answered_after or 0)
            span = self._server.start_afterwards(self, route, seconds)
            span.record_exception(cause)
            span.set_attribute("error.type", named)
            span.set_status(StatusCode.ERROR)
            token = context_api.attach(set_span_in_context(span, self.context))
            try:
                self._server.lines.failed(error, lambda: self._keys(self.elapsed(), route, named))
            finally:
                context_api.detach(token)
                span.end()
        except Exception as failure:
            self._server.broken(failure)

    def _error_type(self, error: BaseException | None) -> str | None:
        if error is not None:
            return error_type(error)
        if self.status is None:
            return _UNANSWERED
        return None if self.status < _FAILURE else str(self.status)

    def own(self, seconds: float) -> dict[str, Any]:
        """Return what a line of *seconds* says of this request, and not of others that ended alike."""
        own = {names.PATH.name: self.scope["path"], names.DURATION.name: round(seconds, 6)}
        if (client := self._described.client) is not None:
            own[names.CLIENT_ADDRESS.name] = client
        if self.request_id is not None:
            own["request_id"] = self.request_id
        return own

    def _keys(self, seconds: float, route: str | None, error_type: str | None) -> dict[str, Any]:
        found = {
            "http.request.method": self.key[0],
            "http.route": route,
            "url.path": self.scope["path"],
            "http.response.status_code": self.status,
            "error.type": error_type,
            "otel_flow.http.duration": round(seconds, 6),
            "client.address": self._described.client,
        }
        return {name: value for name, value in found.items() if value is not None}


_FAILURE = 500

_LAST = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})


_DIGITS = 20


def _announced(head: Message) -> int:
    """Return the size that the start of a response announces, 0 without: the server reads the file."""
    for name, value in head.get("headers", ()):
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0
