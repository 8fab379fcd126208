"""Names of HTTP servers (semantic conventions: HTTP spans and metrics, stable where marked so)."""

from __future__ import annotations

from otel_flow.names.model import SECONDS_BUCKETS, Attribute, Event, Metric, Span


REQUEST_METHOD = Attribute(
    name="http.request.method", type="string", brief="The method, _OTHER where it is not known."
)
REQUEST_METHOD_ORIGINAL = Attribute(
    name="http.request.method_original", type="string", brief="The method as sent, if not known."
)
ROUTE = Attribute(
    name="http.route", type="string", brief="The route's template; absent where none matched."
)
STATUS_CODE = Attribute(
    name="http.response.status_code", type="int", brief="The status of the response."
)
ERROR_TYPE = Attribute(
    name="error.type",
    type="string",
    brief="The exception's class, the status from 500, or of a server no_response; absent on success.",
)
SCHEME = Attribute(name="url.scheme", type="string", brief="http or https.")
PATH = Attribute(name="url.path", type="string", brief="The path as requested.")
QUERY = Attribute(name="url.query", type="string", brief="The query string; secrets are masked.")
PROTOCOL_NAME = Attribute(
    name="network.protocol.name", type="string", brief="websocket; absent for HTTP."
)
PROTOCOL_VERSION = Attribute(name="network.protocol.version", type="string", brief="1.1, 2 or 3.")
SERVER_ADDRESS = Attribute(
    name="server.address", type="string", brief="The host that the client asked for."
)
SERVER_PORT = Attribute(name="server.port", type="int", brief="The port that the client asked for.")
CLIENT_ADDRESS = Attribute(
    name="client.address",
    type="string",
    brief="The peer, or whom trusted proxies name as the client.",
)
PEER_ADDRESS = Attribute(
    name="network.peer.address", type="string", brief="The other end of the connection."
)
PEER_PORT = Attribute(
    name="network.peer.port", type="int", brief="The port at the other end of the connection."
)
USER_AGENT = Attribute(
    name="user_agent.original", type="string", brief="The client's User-Agent header."
)
URL_FULL = Attribute(
    name="url.full",
    type="string",
    brief="The URL of an outgoing request, without credentials; secrets in it are masked.",
)
DISCONNECTED = Attribute(
    name="otel_flow.http.disconnected",
    type="boolean",
    brief="The client left before the response was complete.",
    stability="otel_flow",
)
MESSAGES_RECEIVED = Attribute(
    name="otel_flow.websocket.messages.received",
    type="int",
    brief="Messages that the client sent over the connection.",
    stability="otel_flow",
)
MESSAGES_SENT = Attribute(
    name="otel_flow.websocket.messages.sent",
    type="int",
    brief="Messages that were sent to the client over the connection.",
    stability="otel_flow",
)
CLOSE_CODE = Attribute(
    name="otel_flow.websocket.close_code",
    type="int",
    brief="The code with which the application or the client closed the connection.",
    stability="otel_flow",
)
REQUEST_HEADER = Attribute(
    name="http.request.header.<name>",
    type="string[]",
    brief="A header of the request, of those that a setting lists.",
)
RESPONSE_HEADER = Attribute(
    name="http.response.header.<name>",
    type="string[]",
    brief="A header of the response, of those that a setting lists.",
)
DURATION = Attribute(
    name="otel_flow.http.duration",
    type="double",
    brief="Seconds from the request to the end of its response, on log records.",
    stability="otel_flow",
)

_SERIES = (REQUEST_METHOD, SCHEME, ROUTE, STATUS_CODE, ERROR_TYPE, PROTOCOL_VERSION)

BYTES_BUCKETS = (
    0.0,
    100.0,
    1_000.0,
    10_000.0,
    100_000.0,
    1_000_000.0,
    10_000_000.0,
    100_000_000.0,
)
"""Bucket bounds for bodies, in bytes; the conventions name none."""

SERVER_DURATION = Metric(
    name="http.server.request.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of HTTP server requests.",
    attributes=_SERIES,
    buckets=SECONDS_BUCKETS,
)
SERVER_REQUEST_SIZE = Metric(
    name="http.server.request.body.size",
    unit="By",
    instrument="histogram",
    brief="Size of HTTP server request bodies.",
    attributes=_SERIES,
    buckets=BYTES_BUCKETS,
    stability="development",
)
SERVER_RESPONSE_SIZE = Metric(
    name="http.server.response.body.size",
    unit="By",
    instrument="histogram",
    brief="Size of HTTP server response bodies.",
    attributes=_SERIES,
    buckets=BYTES_BUCKETS,
    stability="development",
)
SERVER_ACTIVE = Metric(
    name="http.server.active_requests",
    unit="{request}",
    instrument="updowncounter",
    brief="Number of active HTTP server requests.",
    attributes=(REQUEST_METHOD, SCHEME),
    observed=True,
    stability="development",
)

CLIENT_DURATION = Metric(
    name="http.client.request.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of HTTP client requests, until the response's headers.",
    attributes=(
        REQUEST_METHOD,
        SERVER_ADDRESS,
        SERVER_PORT,
        STATUS_CODE,
        ERROR_TYPE,
        PROTOCOL_VERSION,
    ),
    buckets=SECONDS_BUCKETS,
)

_LINE = (REQUEST_METHOD, ROUTE, PATH, STATUS_CODE, DURATION, CLIENT_ADDRESS)

ACCESS = Event(
    name="otel_flow.http.request",
    severity="INFO",
    brief="A request was answered: the access log.",
    attributes=_LINE,
)
CONNECTION = Event(
    name="otel_flow.websocket.connection",
    severity="INFO",
    brief="A WebSocket connection has ended: its line of the access log.",
    attributes=(
        ROUTE,
        PATH,
        STATUS_CODE,
        CLOSE_CODE,
        MESSAGES_RECEIVED,
        MESSAGES_SENT,
        ERROR_TYPE,
        DURATION,
        CLIENT_ADDRESS,
    ),
)
SLOW_REQUEST = Event(
    name="otel_flow.http.slow_request",
    severity="WARN",
    brief="A request took longer than OTEL_FLOW_SLOW_REQUEST.",
    attributes=_LINE,
)
EXCEPTION = Event(
    name="http.server.request.exception",
    severity="ERROR",
    brief="An exception left the application.",
    attributes=(*_LINE, ERROR_TYPE),
    stability="development",
)

_REQUESTED = (
    REQUEST_METHOD,
    REQUEST_METHOD_ORIGINAL,
    SCHEME,
    PATH,
    QUERY,
    ROUTE,
    ERROR_TYPE,
    PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    CLIENT_ADDRESS,
    PEER_ADDRESS,
    PEER_PORT,
    USER_AGENT,
    REQUEST_HEADER,
    RESPONSE_HEADER,
)

SERVER = Span(
    name="{http.request.method} {http.route}",
    kind="SERVER",
    brief="A request to the service; the method alone where no route matched.",
    attributes=(*_REQUESTED, STATUS_CODE, DISCONNECTED),
)
AFTERWARDS = Span(
    name="after {http.request.method} {http.route}",
    kind="INTERNAL",
    brief="What failed after the response, a background task mostly, from the response on.",
    attributes=(ROUTE, ERROR_TYPE),
    stability="otel_flow",
)
WEBSOCKET = Span(
    name="WS {http.route}",
    kind="SERVER",
    brief="A WebSocket connection, from the handshake to its end.",
    attributes=(
        *_REQUESTED,
        PROTOCOL_NAME,
        STATUS_CODE,
        CLOSE_CODE,
        MESSAGES_RECEIVED,
        MESSAGES_SENT,
    ),
    stability="otel_flow",
)
CLIENT = Span(
    name="{http.request.method}",
    kind="CLIENT",
    brief="An outgoing request, until the response's headers.",
    attributes=(
        REQUEST_METHOD,
        REQUEST_METHOD_ORIGINAL,
        URL_FULL,
        SERVER_ADDRESS,
        SERVER_PORT,
        STATUS_CODE,
        ERROR_TYPE,
        PROTOCOL_VERSION,
    ),
)

SPANS = (SERVER, AFTERWARDS, WEBSOCKET, CLIENT)
METRICS = (
    SERVER_DURATION,
    SERVER_REQUEST_SIZE,
    SERVER_RESPONSE_SIZE,
    SERVER_ACTIVE,
    CLIENT_DURATION,
)
EVENTS = (ACCESS, CONNECTION, SLOW_REQUEST, EXCEPTION)
