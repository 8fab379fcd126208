"""Telemetry of outgoing requests, whatever library sends them."""

from __future__ import annotations

import logging
import time
import weakref

from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation import _SPAN_KEY

from otel_flow.correlation import bound_request_id
from otel_flow.delivery.suppression import HTTP_SUPPRESSED
from otel_flow.instrumentation.outgoing.url import address_of
from otel_flow.measure.recording import error_type
from otel_flow.names import http as names
from otel_flow.providers.active import current_context, enter, leave
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from contextvars import Token

    from opentelemetry.trace import Span

    from otel_flow.instrumentation.outgoing.url import Address
    from otel_flow.providers.bound import BoundInstrument
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")

_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_FAILURE = 400
"""From here on a response is an error to the client that got it."""
_REMEMBERED = 1024


class HttpClient:
    """The outgoing requests of one telemetry."""

    def __init__(self, telemetry: Telemetry, scope: str) -> None:
        self._tracer = telemetry.tracer_provider.get_tracer(scope)
        meter = telemetry.meter_provider.get_meter(scope)
        self._duration = meter.create_histogram(
            names.CLIENT_DURATION.name,
            unit=names.CLIENT_DURATION.unit,
            description=names.CLIENT_DURATION.brief,
            explicit_bucket_boundaries_advisory=list(names.CLIENT_DURATION.buckets),
        )
        headers = telemetry.settings.request_id_headers
        self._request_id_header = headers[0] if headers else None
        self._series: dict[tuple[Any, ...], BoundInstrument] = {}

    def begin(self, method: str, url: str, headers: MutableMapping[str, str]) -> Outgoing | None:
        """
        Begin a request and put trace context and request id into its *headers*.

        None where nothing is recorded: a caller has switched that off in its context, or
        it failed. A request id that the application has set stays.
        """
        # The sender's own request must go out, whatever we stumble over.
        try:
            if not is_http_instrumentation_enabled():
                return None
            outgoing = Outgoing(self, method.upper(), address_of(url))
            outgoing.inject(headers, self._request_id_header)
        except Exception as error:
            logger.debug("a request was not recorded: %s", error, exc_info=True)
            return None
        return outgoing

    def start_span(self, name: str, attributes: dict[str, Any]) -> Span:
        """Start the span of a request."""
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def record(self, seconds: float, key: tuple[Any, ...], context: Context) -> None:
        """Record the duration of a request of *key*: method, host, port, status, error, version."""
        bound = self._series.get(key)
        if bound is None:
            bound = bind(self._duration, _attributes(key))
            if len(self._series) < _REMEMBERED:
                self._series[key] = bound
        bound.record(seconds, context)


_NAMES = (
    names.REQUEST_METHOD.name,
    names.SERVER_ADDRESS.name,
    names.SERVER_PORT.name,
    names.STATUS_CODE.name,
    names.ERROR_TYPE.name,
    names.PROTOCOL_VERSION.name,
)


def _attributes(key: tuple[Any, ...]) -> dict[str, Any]:
    return {name: value for name, value in zip(_NAMES, key, strict=True) if value is not None}


class Outgoing:
    """One request on its way; `attach` before it is sent, `end` in any case."""

    __slots__ = ("_address", "_client", "_context", "_method", "_started", "_token", "span")

    def __init__(self, client: HttpClient, method: str, address: Address) -> None:
        known = method in _METHODS
        self._client = client
        self._method = method if known else "_OTHER"
        self._address = address
        attributes: dict[str, Any] = {
            names.REQUEST_METHOD.name: self._method,
            names.URL_FULL.name: address.full,
            names.SERVER_ADDRESS.name: address.host,
        }
        if address.port is not None:
            attributes[names.SERVER_PORT.name] = address.port
        if not known:
            attributes[names.REQUEST_METHOD_ORIGINAL.name] = method
        self.span = client.start_span(method if known else "HTTP", attributes)
        self._context = Context({**current_context(), _SPAN_KEY: self.span})
        self._token: Token[Context] | None = None
        self._started = time.perf_counter()

    def inject(self, headers: MutableMapping[str, str], request_id_header: str | None) -> None:
        """Put the trace context and the request id that came in into *headers*."""
        propagate.inject(headers, self._context)
        request_id = bound_request_id()
        if request_id is not None and request_id_header and request_id_header not in headers:
            headers[request_id_header] = request_id

    def attach(self) -> None:
        """Make the span current, and switch off what instruments the library beneath."""
        self._token = enter(Context({**self._context, HTTP_SUPPRESSED: True}))

    def end(
        self,
        status: int | None = None,
        version: str | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Record that a response with *status* arrived, or *error* was raised."""
        seconds = time.perf_counter() - self._started
        if self._token is not None:
            leave(self._token)
        try:
            self._record(seconds, status, version, error)
        except Exception as failure:
            logger.debug("a request was not recorded: %s", failure, exc_info=True)

    def _record(
        self,
        seconds: float,
        status: int | None,
        version: str | None,
        error: BaseException | None,
    ) -> None:
        error_type = _error_type(status, error)
        span = self.span
        if span.is_recording():
            if status is not None:
                span.set_attribute(names.STATUS_CODE.name, status)
            if version is not None:
                span.set_attribute(names.PROTOCOL_VERSION.name, version)
            if error_type is not None:
                span.set_status(StatusCode.ERROR)
                span.set_attribute(names.ERROR_TYPE.name, error_type)
            if error is not None:
                span.record_exception(error)
        host, port = self._address.host, self._address.port
        key = (self._method, host, port, status, error_type, version)
        self._client.record(seconds, key, self._context)
        span.end()


def _error_type(status: int | None, error: BaseException | None) -> str | None:
    if error is not None:
        return error_type(error)
    return str(status) if status is not None and status >= _FAILURE else None


_clients: weakref.WeakKeyDictionary[Any, dict[str, HttpClient]] = weakref.WeakKeyDictionary()


def client_of(telemetry: Telemetry, scope: str) -> HttpClient:
    """Return the client telemetry of *telemetry* under *scope*; it is made once."""
    made = _clients.setdefault(telemetry, {})
    if scope not in made:
        made[scope] = HttpClient(telemetry, scope)
    return made[scope]
