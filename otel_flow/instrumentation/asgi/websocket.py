"""One WebSocket connection: a span from the handshake to the close, with its messages counted."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import StatusCode

from otel_flow.instrumentation.asgi.failure import has_left, single
from otel_flow.measure.recording import error_type
from otel_flow.names import http as names


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.asgi.server import HttpServer

    Message = MutableMapping[str, Any]


class Connection:
    """Stands between server and application, and counts; its ids go out with the handshake."""

    __slots__ = (
        "_receive",
        "_received",
        "_scope",
        "_send",
        "_sent",
        "_server",
        "_started",
        "context",
        "request_id",
        "span",
    )

    def __init__(
        self,
        server: HttpServer,
        *,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        span: Span,
        context: Context,
        request_id: str | None,
    ) -> None:
        self._server = server
        self._scope = scope
        self._receive = receive
        self._send = send
        self.span = span
        self.context = context
        self.request_id = request_id
        self._received = 0
        self._sent = 0
        self._started = perf_counter()

    async def receive(self) -> Message:
        """Return the next message from the client."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._received += 1
        return message

    async def send(self, message: Message) -> None:
        """Send *message* to the client."""
        kind = message["type"]
        if kind in _HANDSHAKES:
            message = self._server.with_headers(message, self)
        await self._send(message)
        if kind == "websocket.send":
            self._sent += 1
        elif kind == "websocket.http.response.start":
            self.span.set_attribute(names.STATUS_CODE.name, message["status"])

    def elapsed(self) -> float:
        """Return the seconds since the handshake began."""
        return perf_counter() - self._started

    def end(self, error: BaseException | None) -> None:
        """End the span; a client that goes away is no error of the service."""
        # Whatever goes wrong in here is ours alone; the connection is over.
        try:
            self._record(error)
        except Exception as failure:
            self._server.broken(failure)
        finally:
            self.span.end()

    def _record(self, error: BaseException | None) -> None:
        span, route = self.span, self._server.route_of(self._scope)
        if route:
            span.set_attribute(names.ROUTE.name, route)
            span.update_name(f"WS {route}")
        span.set_attribute(names.MESSAGES_RECEIVED.name, self._received)
        span.set_attribute(names.MESSAGES_SENT.name, self._sent)
        if error is not None and has_left(error):
            self._server.lines.left(error)
        elif error is not None:
            self._fail(error, route)

    def _fail(self, error: BaseException, route: str | None) -> None:
        named = error_type(single(error))
        self.span.record_exception(single(error))
        self.span.set_attribute(names.ERROR_TYPE.name, named)
        self.span.set_status(StatusCode.ERROR)
        keys = {"url.path": self._scope["path"], "error.type": named}
        self._server.lines.failed(error, lambda: keys | ({"http.route": route} if route else {}))


_HANDSHAKES = frozenset({"websocket.accept", "websocket.http.response.start"})
"""Messages whose headers the client gets: accepted, or refused with a response of the application's."""
