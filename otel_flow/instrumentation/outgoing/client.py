"""Telemetry of outgoing requests, whatever library sends them."""

from __future__ import annotations

import logging
import time
import weakref

from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

from otel_flow.correlation import bound_request_id
from otel_flow.delivery.suppression import HTTP_SUPPRESSED, PLAIN_SUPPRESSED, SUPPRESSED
from otel_flow.instrumentation.outgoing.url import address_of
from otel_flow.measure.recording import error_type
from otel_flow.names import http as names
from otel_flow.otlp.constant import Constant
from otel_flow.providers.active import SPAN_KEY, current_context, enter, leave
from otel_flow.providers.bound import bind
from otel_flow.providers.prepared import constant, starter_of


if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from contextvars import Token

    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.outgoing.url import Address
    from otel_flow.providers.bound import BoundInstrument
    from otel_flow.providers.prepared import Starter
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")

_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_OTHER = "_OTHER"
_CLIENT = SpanKind.CLIENT
_FAILURE = 400
"""From here on a response is an error to the client that got it."""
_REMEMBERED = 1024
_SUPPRESSIONS = frozenset({SUPPRESSED, PLAIN_SUPPRESSED, HTTP_SUPPRESSED})
"""Keys of the context of which one that is true says that nothing is recorded."""
_URL = names.URL_FULL.name


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
        self._series: dict[tuple[Any, ...], Series] = {}
        self._places: dict[tuple[str, str, int | None], Starter] = {}

    def begin(self, method: str, url: str, headers: MutableMapping[str, str]) -> Outgoing | None:
        """
        Begin a request and put trace context and request id into its *headers*.

        None where nothing is recorded: a caller has switched that off in its context, or
        it failed. A request id that the application has set stays.
        """
        # The sender's own request must go out, whatever we stumble over.
        try:
            current = current_context()
            # Most contexts have none of the three.
            if not _SUPPRESSIONS.isdisjoint(current) and any(map(current.get, _SUPPRESSIONS)):
                return None
            outgoing = Outgoing(self, method.upper(), address_of(url), current)
            outgoing.inject(headers, self._request_id_header)
        except Exception as error:
            logger.debug("a request was not recorded: %s", error, exc_info=True)
            return None
        return outgoing

    def start_span(self, method: str, address: Address, context: Context) -> Span:
        """Start the span of a request by *method*, which need not be one of the known ones."""
        own: dict[str, Any] = {_URL: address[0]}
        if (known := method) not in _METHODS:
            known = _OTHER
            own[names.REQUEST_METHOD_ORIGINAL.name] = method
        key = known, address[2], address[3]
        start = self._places.get(key)
        if start is None:
            name = "HTTP" if known is _OTHER else known
            start = starter_of(self._tracer, name, _CLIENT, constant(_attributes(key)))
            if len(self._places) < _REMEMBERED:
                self._places[key] = start
        return start(context, own)

    def series(self, key: tuple[Any, ...]) -> Series:
        """Return the series of *key*: method, host, port, status, error, version."""
        found = self._series.get(key)
        if found is None:
            found = Series(self._duration, key)
            if len(self._series) < _REMEMBERED:
                self._series[key] = found
        return found


_PLACE = 3
"""So many parts of a key are known when a request begins."""
_NAMES = (
    names.REQUEST_METHOD.name,
    names.SERVER_ADDRESS.name,
    names.SERVER_PORT.name,
    names.STATUS_CODE.name,
    names.ERROR_TYPE.name,
    names.PROTOCOL_VERSION.name,
)


def _attributes(key: tuple[Any, ...], first: int = 0) -> dict[str, Any]:
    named = zip(_NAMES[first:], key[first:], strict=False)
    return {name: value for name, value in named if value is not None}


class Series:
    """The requests to one host that ended alike: their outcome and their bound duration."""

    __slots__ = ("duration", "outcome")

    def __init__(self, duration: Histogram, key: tuple[Any, ...]) -> None:
        self.outcome = Constant(_attributes(key, _PLACE))
        self.duration: BoundInstrument = bind(duration, _attributes(key))


class Outgoing:
    """One request on its way; `attach` before it is sent, `end` in any case."""

    __slots__ = ("_address", "_client", "_context", "_method", "_started", "_token", "span")

    def __init__(self, client: HttpClient, method: str, address: Address, current: Context) -> None:
        self._client = client
        self._method = method if method in _METHODS else _OTHER
        self._address = address
        self.span = span = client.start_span(method, address, current)
        # With the span current, and what instruments the library beneath switched off.
        self._context = Context({**current, SPAN_KEY: span, HTTP_SUPPRESSED: True})
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
        self._token = enter(self._context)

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
        error_type = None
        if error is not None or (status is not None and status >= _FAILURE):
            error_type = _error_type(status, error)
        span, address = self.span, self._address
        key = (self._method, address[2], address[3], status, error_type, version)
        series = self._client.series(key)
        if span.is_recording():
            if (add := getattr(span, "add_parts", None)) is not None:
                add(series.outcome)
            else:
                span.set_attributes(series.outcome)
            if error_type is not None:
                span.set_status(StatusCode.ERROR)
            if error is not None:
                span.record_exception(error)
        series.duration.record(seconds, self._context)
        span.end()


def _error_type(status: int | None, error: BaseException | None) -> str:
    return str(status) if error is None else error_type(error)


_clients: weakref.WeakKeyDictionary[Any, dict[str, HttpClient]] = weakref.WeakKeyDictionary()


def client_of(telemetry: Telemetry, scope: str) -> HttpClient:
    """Return the client telemetry of *telemetry* under *scope*; it is made once."""
    made = _clients.setdefault(telemetry, {})
    if scope not in made:
        made[scope] = HttpClient(telemetry, scope)
    return made[scope]
