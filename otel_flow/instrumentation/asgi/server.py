"""Telemetry of an ASGI application's requests: one span, one point a metric, one line."""

from __future__ import annotations

import logging

from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry import propagate
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id, set_span_in_context

from otel_flow.correlation import bind_request_id, unbind_request_id, valid_request_id
from otel_flow.instrumentation.asgi.addresses import (
    TrustedProxies,
    forwarded_for,
    server_attributes,
)
from otel_flow.instrumentation.asgi.exchange import Exchange
from otel_flow.instrumentation.asgi.exclusion import Exclusion
from otel_flow.instrumentation.asgi.headers import GETTER, HeaderCapture, read_headers
from otel_flow.instrumentation.asgi.lines import RequestLines
from otel_flow.instrumentation.asgi.metrics import SCOPE, metrics_of
from otel_flow.instrumentation.asgi.route import starlette_route
from otel_flow.instrumentation.asgi.websocket import Connection


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from opentelemetry.context import Context

    from otel_flow.instrumentation.asgi.headers import Headers
    from otel_flow.instrumentation.asgi.route import RouteOf
    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


logger = logging.getLogger("otel_flow.instrumentation")

HANDLED = "otel_flow.http"
"""Key of the scope: the request has its telemetry, or shall have none."""

METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)


class HttpServer:
    """The requests of one application, or of all that have no server of their own."""

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        exclude: Sequence[str] = (),
        route_of: RouteOf = starlette_route,
    ) -> None:
        settings = telemetry.settings
        self.telemetry = telemetry
        self.route_of = route_of
        self.metrics = metrics_of(telemetry)
        self.lines = RequestLines(settings)
        self._tracer = telemetry.tracer_provider.get_tracer(SCOPE)
        self.excluded = Exclusion(
            (*settings.excluded_urls, *exclude), defaults=settings.excluded_defaults
        )
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._request_id_headers = settings.request_id_headers
        self._request_capture = HeaderCapture(
            settings.capture_request_headers, "http.request.header"
        )
        self._response_capture = HeaderCapture(
            settings.capture_response_headers, "http.response.header"
        )
        self._server_timing = settings.server_timing
        self._process_time = settings.process_time_header
        self._echo = (settings.request_id_headers or ("x-request-id",))[0].encode("latin-1")
        self._broken = False

    async def handle(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Have *app* answer the request of *scope*, and record it."""
        if HANDLED in scope:
            await app(scope, receive, send)
            return
        scope[HANDLED] = True
        if self.excluded(scope["path"], _origin(scope)):
            await self._unseen(app, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connection(app, scope, receive, send)
        else:
            await self._request(app, scope, receive, send)

    async def _unseen(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without telemetry: what a probe queries is no story of its own either."""
        # The key without a suffix stops instrumentations only; the other one stops log records.
        token = context_api.attach(context_api.set_value("suppress_instrumentation", True))
        try:
            await app(scope, receive, send)
        finally:
            context_api.detach(token)

    async def _request(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._begin(scope, send)
        if exchange is None:
            await app(scope, receive, send)
            return
        self.metrics.active[exchange] = (exchange.key[0], exchange.key[1])
        token = context_api.attach(exchange.context)
        bound = bind_request_id(exchange.request_id) if exchange.request_id else None
        error = None
        try:
            await app(scope, receive, exchange.send)
        except BaseException as raised:
            error = raised
            raise
        finally:
            exchange.end(error)
            if bound is not None:
                unbind_request_id(bound)
            context_api.detach(token)

    def _begin(self, scope: Scope, send: Send) -> Exchange | None:
        try:
            headers = read_headers(scope["headers"])
            key, attributes = self._described(scope, headers)
            parent = self._parent(headers)
            span = self._tracer.start_span(key[0], parent, SpanKind.SERVER, attributes)
            return Exchange(
                self,
                scope=scope,
                send=send,
                span=span,
                context=set_span_in_context(span, parent),
                headers=headers,
                key=key,
                client=attributes.get("client.address"),
                request_id=self._request_id(headers),
            )
        except Exception as error:
            self.broken(error)
            return None

    async def _connection(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
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
            headers = read_headers(scope["headers"])
            _, attributes = self._described(scope, headers)
            attributes["network.protocol.name"] = "websocket"
            parent = self._parent(headers)
            span = self._tracer.start_span("WS", parent, SpanKind.SERVER, attributes)
            return Connection(
                self,
                scope=scope,
                receive=receive,
                send=send,
                span=span,
                context=set_span_in_context(span, parent),
                request_id=self._request_id(headers),
            )
        except Exception as error:
            self.broken(error)
            return None

    def broken(self, error: Exception) -> None:
        """Say once that recording fails, and how; the requests go on."""
        if not self._broken:
            self._broken = True
            logger.warning("a request was not recorded", exc_info=error)

    def with_headers(self, message: Message, exchange: Exchange) -> Message:
        """Return the start of a response with the ids of its request added."""
        try:
            return {**message, "headers": self._with_ids(message, exchange)}
        except Exception as error:
            self.broken(error)
            return message

    def _with_ids(self, message: Message, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        headers = list(message.get("headers", ()))
        if self._response_capture and exchange.span.is_recording():
            captured = self._response_capture.attributes(read_headers(headers))
            exchange.span.set_attributes(captured)
        span_context = exchange.span.get_span_context()
        echo = exchange.request_id
        if span_context.is_valid:
            trace_id = format_trace_id(span_context.trace_id)
            parent = f"00-{trace_id}-{format_span_id(span_context.span_id)}"
            parent = f"{parent}-{span_context.trace_flags:02x}"
            headers.append((b"traceresponse", parent.encode()))
            echo = echo or trace_id
            if self._server_timing:
                headers.append((b"server-timing", f'traceparent;desc="{parent}"'.encode()))
        if echo and not any(name.lower() == self._echo for name, _ in headers):
            headers.append((self._echo, echo.encode()))
        if self._process_time:
            headers.append((b"x-process-time", f"{exchange.elapsed():.6f}".encode()))
        return headers

    def _parent(self, headers: Headers) -> Context:
        """Return the caller's context; propagators are asked only if one of their headers came."""
        propagator = propagate.get_global_textmap()
        if propagator.fields.isdisjoint(headers):
            return context_api.get_current()
        return propagator.extract(headers, getter=GETTER)

    def _request_id(self, headers: Headers) -> str | None:
        for name in self._request_id_headers:
            value = headers.get(name)
            if value and valid_request_id(value):
                return value
        return None

    def _described(
        self, scope: Scope, headers: Headers
    ) -> tuple[tuple[str, str, str], dict[str, Any]]:
        """Return method, scheme and version, and the attributes a span begins with."""
        sent = scope.get("method", "GET")
        method = sent if sent in METHODS else "_OTHER"
        scheme, version = scope.get("scheme", "http"), scope.get("http_version", "1.1")
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "url.scheme": scheme,
            "url.path": scope["path"],
            "network.protocol.version": version,
        }
        if method != sent:
            attributes["http.request.method_original"] = sent
        if query := scope.get("query_string"):
            attributes["url.query"] = query.decode("latin-1")
        if host := headers.get("host"):
            attributes.update(server_attributes(host, scheme))
        if agent := headers.get("user-agent"):
            attributes["user_agent.original"] = agent
        if peer := scope.get("client"):
            attributes["network.peer.address"], attributes["network.peer.port"] = peer
            forwarded = forwarded_for(headers) if self._proxies else None
            client = self._proxies.client(peer[0], forwarded) if forwarded else peer[0]
            attributes["client.address"] = client
        if self._request_capture:
            attributes.update(self._request_capture.attributes(headers))
        return (method, scheme, version), attributes


def _origin(scope: Scope) -> str:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}"
