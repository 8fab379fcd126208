"""Telemetry of an ASGI application's requests: one span, one point a metric, one line."""

from __future__ import annotations

import logging

from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, set_span_in_context

from otel_flow.correlation import bind_request_id, unbind_request_id, valid_request_id
from otel_flow.instrumentation.asgi.description import Descriptions
from otel_flow.instrumentation.asgi.exchange import Exchange
from otel_flow.instrumentation.asgi.exclusion import Exclusion
from otel_flow.instrumentation.asgi.headers import GETTER, HeaderCapture, read_headers
from otel_flow.instrumentation.asgi.lines import RequestLines
from otel_flow.instrumentation.asgi.metrics import SCOPE, metrics_of
from otel_flow.instrumentation.asgi.native import whole_route
from otel_flow.instrumentation.asgi.websocket import Connection
from otel_flow.providers.active import SPAN_KEY, current_context


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.asgi.headers import RawHeaders
    from otel_flow.instrumentation.asgi.route import RouteOf
    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


logger = logging.getLogger("otel_flow.instrumentation")

_SERVER = SpanKind.SERVER
_TRACE_ID = slice(3, 35)
"""Where it stands in ``traceparent`` and ``traceresponse``."""

HANDLED = "otel_flow.http"
"""Key of the scope: the request has its telemetry, or shall have none."""


class HttpServer:
    """The requests of one application, or of all that have no server of their own."""

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        exclude: Sequence[str] = (),
        route_of: RouteOf = whole_route,
    ) -> None:
        settings = telemetry.settings
        self.telemetry = telemetry
        self.route_of = route_of
        self.metrics = metrics_of(telemetry)
        self.lines = RequestLines(telemetry)
        self._tracer = telemetry.tracer_provider.get_tracer(SCOPE)
        self.excluded = Exclusion(
            (*settings.excluded_urls, *exclude), defaults=settings.excluded_defaults
        )
        self._describe = Descriptions(settings)
        self._request_id_headers = [
            name.lower().encode("latin-1") for name in settings.request_id_headers
        ]
        self._bringing = frozenset(self._request_id_headers)
        self._propagator: TextMapPropagator | None = None
        self._propagated: frozenset[bytes] = frozenset()
        captured = settings.capture_response_headers
        self._response_capture = (
            HeaderCapture(captured, "http.response.header") if captured else None
        )
        self._server_timing = settings.server_timing
        self._process_time = settings.process_time_header
        self._echo = (*self._request_id_headers, b"x-request-id")[0]
        self._broken = False

    async def handle(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Have *app* answer the request of *scope*, and record it."""
        exchange = self.begin(scope, send)
        if exchange is None:
            await self.handle_otherwise(app, scope, receive, send)
        else:
            with exchange:
                await app(scope, partial(exchange.receive, receive), exchange.send)

    async def handle_otherwise(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Have *app* answer what `begin` has returned no exchange for."""
        if HANDLED in scope:
            await app(scope, receive, send)
            return
        scope[HANDLED] = True
        if self._is_excluded(scope):
            await self._unseen(app, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connection(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    def _is_excluded(self, scope: Scope) -> bool:
        excluded = self.excluded
        return excluded(scope["path"], _origin(scope) if excluded.by_origin else "")

    async def _unseen(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without telemetry: what a probe queries is no story of its own either."""
        self.metrics.unseen = True
        # The key without a suffix stops instrumentations only; the other one stops log records.
        token = context_api.attach(context_api.set_value("suppress_instrumentation", True))
        try:
            await app(scope, receive, send)
        finally:
            context_api.detach(token)

    def begin(self, scope: Scope, send: Send) -> Exchange | None:
        """Return the exchange that the HTTP request of *scope* begins, None for all else."""
        if scope["type"] != "http" or HANDLED in scope:
            return None
        excluded = self.excluded
        if excluded(scope["path"], _origin(scope) if excluded.by_origin else ""):
            return None
        scope[HANDLED] = True
        try:
            headers = dict(scope["headers"])
            description = self._describe(scope, headers)
            parent = self._parent(scope, headers)
            method, attributes = description.key[0], description.of(scope)
            span = self._tracer.start_span(method, parent, _SERVER, attributes)
            context = Context({**parent, SPAN_KEY: span})
            size, request_id = headers.get(b"content-length"), self._request_id(headers)
            return Exchange(self, scope, send, description, span, context, size, request_id)
        except Exception as error:
            self.broken(error)
            return None

    async def _connection(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        self.metrics.unseen = True
        connection = self._connect(scope, receive, send)
        if connection is None:
            await app(scope, receive, send)
            return
        token = context_api.attach(connection.context)
        bound = bind_request_id(connection.request_id) if connection.request_id else None
        error = None
        try:
            await app(scope, connection.receive, connection.send)
        except BaseException as raised:
            error = raised
            raise
        finally:
            connection.end(error)
            if bound is not None:
                unbind_request_id(bound)
            context_api.detach(token)

    def _connect(self, scope: Scope, receive: Receive, send: Send) -> Connection | None:
        try:
            headers = dict(scope["headers"])
            protocol = {"network.protocol.name": "websocket"}
            description = self._describe(scope, headers)
            attributes = description.of(scope, **protocol)
            parent = self._parent(scope, headers)
            span = self._tracer.start_span("WS", parent, SpanKind.SERVER, attributes)
            return Connection(
                self,
                scope=scope,
                receive=receive,
                send=send,
                span=span,
                context=set_span_in_context(span, parent),
                client=description.client,
                request_id=self._request_id(headers),
            )
        except Exception as error:
            self.broken(error)
            return None

    def start_afterwards(self, exchange: Exchange, route: str | None, seconds: float) -> Span:
        """Start the span of what has failed *seconds* after the response of *exchange*."""
        name = f"after {exchange.key[0]}{f' {route}' if route else ''}"
        attributes = {"http.route": route} if route else {}
        begun = time_ns() - int(seconds * 1e9)
        return self._tracer.start_span(
            name, exchange.context, SpanKind.INTERNAL, attributes, start_time=begun
        )

    def broken(self, error: Exception) -> None:
        """Say once that recording fails, and how; the requests go on."""
        if not self._broken:
            self._broken = True
            logger.warning("a request was not recorded", exc_info=error)

    def with_headers(self, message: Message, exchange: Exchange | Connection) -> Message:
        """Return the start of a response, or of a connection, with the ids of its request added."""
        try:
            return {**message, "headers": self._with_ids(message, exchange)}
        except Exception as error:
            self.broken(error)
            return message

    def _with_ids(
        self, message: Message, exchange: Exchange | Connection
    ) -> list[tuple[bytes, bytes]]:
        headers = list(message.get("headers") or ())
        if self._response_capture is not None and exchange.span.is_recording():
            captured = self._response_capture.attributes(read_headers(headers))
            exchange.span.set_attributes(captured)
        has_echo = _has(headers, self._echo)
        trace_id, span_id, _, flags, _, is_valid = exchange.span.get_span_context()
        echo = exchange.request_id and exchange.request_id.encode()
        if is_valid:
            parent = b"00-%032x-%016x-%02x" % (trace_id, span_id, flags)
            headers.append((b"traceresponse", parent))
            echo = echo or parent[_TRACE_ID]
            if self._server_timing:
                headers.append((b"server-timing", b'traceparent;desc="%b"' % parent))
        if echo and not has_echo:
            headers.append((self._echo, echo))
        if self._process_time:
            headers.append((b"x-process-time", b"%.6f" % exchange.elapsed()))
        return headers

    def _parent(self, scope: Scope, headers: RawHeaders) -> Context:
        """Return the caller's context; propagators are asked only if one of their headers came."""
        propagator = propagate.get_global_textmap()
        if propagator is not self._propagator:
            self._propagated = frozenset(
                field.lower().encode("latin-1") for field in propagator.fields
            )
            self._propagator = propagator
        if self._propagated.isdisjoint(headers):
            return current_context()
        return propagator.extract(read_headers(scope["headers"]), getter=GETTER)

    def _request_id(self, headers: RawHeaders) -> str | None:
        if self._bringing.isdisjoint(headers):
            return None
        for name in self._request_id_headers:
            if value := headers.get(name):
                text = value.decode("latin-1")
                if valid_request_id(text):
                    return text
        return None


def _has(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bool:
    length = len(wanted)
    for name, _ in headers:  # noqa: SIM110  a generator costs more than this
        if len(name) == length and name.lower() == wanted:
            return True
    return False


def _origin(scope: Scope) -> str:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}"
