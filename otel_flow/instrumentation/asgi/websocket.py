"""One WebSocket connection: a span from the handshake to the close, with its messages counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import StatusCode

from otel_flow.instrumentation.asgi.failure import has_left, qualified_name, single
from otel_flow.names import http as names


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from opentelemetry.trace import Span

    from otel_flow.instrumentation.asgi.lines import RequestLines
    from otel_flow.instrumentation.asgi.route import RouteOf

    Message = MutableMapping[str, Any]


class Connection:
    """Stands between server and application, and counts."""

    __slots__ = (
        "_lines",
        "_receive",
        "_received",
        "_route_of",
        "_scope",
        "_send",
        "_sent",
        "_span",
    )

    def __init__(
        self,
        span: Span,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        *,
        route_of: RouteOf,
        lines: RequestLines,
    ) -> None:
        self._span = span
        self._scope = scope
        self._receive = receive
        self._send = send
        self._route_of = route_of
        self._lines = lines
        self._received = 0
        self._sent = 0

    async def receive(self) -> Message:
        """Return the next message from the client."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._received += 1
        return message

    async def send(self, message: Message) -> None:
        """Send *message* to the client."""
        await self._send(message)
        if message["type"] == "websocket.send":
            self._sent += 1
        elif message["type"] == "websocket.http.response.start":
            self._span.set_attribute(names.STATUS_CODE.name, message["status"])

    def end(self, error: BaseException | None) -> None:
        """End the span; a client that goes away is no error of the service."""
        span, route = self._span, self._route_of(self._scope)
        try:
            if route:
                span.set_attribute(names.ROUTE.name, route)
                span.update_name(f"WS {route}")
            span.set_attribute(names.MESSAGES_RECEIVED.name, self._received)
            span.set_attribute(names.MESSAGES_SENT.name, self._sent)
            if error is not None and has_left(error):
                self._lines.left(error)
            elif error is not None:
                self._fail(error, route)
        finally:
            span.end()

    def _fail(self, error: BaseException, route: str | None) -> None:
        named = qualified_name(type(single(error)))
        self._span.record_exception(single(error))
        self._span.set_attribute(names.ERROR_TYPE.name, named)
        self._span.set_status(StatusCode.ERROR)
        keys = {"url.path": self._scope["path"], "error.type": named}
        self._lines.failed(error, lambda: keys | ({"http.route": route} if route else {}))
