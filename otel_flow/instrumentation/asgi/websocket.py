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
        "_client",
        "_code",
        "_receive",
        "_received",
        "_scope",
        "_send",
        "_sent",
        "_server",
        "_started",
        "_status",
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
        client: str | None,
        request_id: str | None,
    ) -> None:
        self._server = server
        self._scope = scope
        self._receive = receive
        self._send = send
        self.span = span
        self.context = context
        self.request_id = request_id
        self._client = client
        self._received = 0
        self._sent = 0
        self._status: int | None = None
        self._code: int | None = None
        self._started = perf_counter()

    async def receive(self) -> Message:
        """Return the next message from the client."""
        message = await self._receive()
        kind = message["type"]
        if kind == "websocket.receive":
            self._received += 1
        elif kind == "websocket.disconnect":
            self._closed(message.get("code", _NO_CODE))
        return message

    async def send(self, message: Message) -> None:
        """Send *message* to the client."""
        kind = message["type"]
        if kind in _HANDSHAKES:
            message = self._server.with_headers(message, self)
        await self._send(message)
        if kind == "websocket.send":
            self._sent += 1
        elif kind == "websocket.accept":
            version = self._scope.get("http_version", "1.1")
            self._status = _ACCEPTED.get(version[0], _SWITCHING)
        elif kind == "websocket.http.response.start":
            self._status = message["status"]
        elif kind == "websocket.close" and self._status is None:
            self._status = _REFUSED
        elif kind == "websocket.close":
            self._closed(message.get("code", _NORMAL))

    def _closed(self, code: int) -> None:
        if self._code is None and self._status in _OPEN:
            self._code = code

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
        failed = error is not None and not has_left(error)
        outcome = self._outcome(route, error_type(single(error)) if error and failed else None)
        if route:
            span.update_name(f"WS {route}")
        span.set_attributes(outcome)
        seconds = round(self.elapsed(), 6)

        def keys() -> dict[str, Any]:
            about = {names.PATH.name: self._scope["path"], names.CLIENT_ADDRESS.name: self._client}
            return outcome | _known({**about, names.DURATION.name: seconds})

        lines = self._server.lines
        if error is not None and failed:
            span.record_exception(single(error))
            span.set_status(StatusCode.ERROR)
            lines.failed(error, keys)
        elif error is not None:
            lines.left(error)
        lines.closed(keys)

    def _outcome(self, route: str | None, failure: str | None) -> dict[str, Any]:
        return _known(
            {
                names.ROUTE.name: route,
                names.STATUS_CODE.name: self._status,
                names.CLOSE_CODE.name: self._code,
                names.MESSAGES_RECEIVED.name: self._received,
                names.MESSAGES_SENT.name: self._sent,
                names.ERROR_TYPE.name: failure,
            }
        )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


_SWITCHING, _REFUSED = 101, 403
"""What a server answers to a handshake that the application accepts, or closes at once."""
_ACCEPTED = {"2": 200, "3": 200}
"""The same over HTTP/2 and HTTP/3, where nothing is switched."""
_OPEN = {_SWITCHING, *_ACCEPTED.values()}
_NORMAL, _NO_CODE = 1000, 1005
"""The codes that count where a message names none."""

_HANDSHAKES = frozenset({"websocket.accept", "websocket.http.response.start"})
"""Messages whose headers the client gets: accepted, or refused with a response of the application's."""
