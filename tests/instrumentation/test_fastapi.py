"""Requests to FastAPI and Starlette applications, as a client and the telemetry see them."""

import asyncio
import contextlib
import logging

import fastapi
import httpx
import pytest
import structlog

from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

import otel_flow

from otel_flow.instrumentation import fastapi as ours
from otel_flow.instrumentation import starlette as starlette_ours
from tests.recording import Recording


DURATION = "http.server.request.duration"


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


def shop() -> FastAPI:
    app = FastAPI()
    items = APIRouter(prefix="/items")

    @items.get("/{item_id}")
    async def item(item_id: int):
        structlog.get_logger("shop").info("item.read")
        return {"id": item_id, "request_id": otel_flow.request_id()}

    app.include_router(items, prefix="/api")

    @app.get("/boom")
    def boom():
        raise ValueError("no such luck")

    @app.get("/refused")
    def refused():
        raise HTTPException(503)

    @app.get("/stream")
    def stream():
        return StreamingResponse(iter([b"12345", b"67890"]))

    @app.get("/health")
    def health():
        with trace.get_tracer("app").start_as_current_span("check"):
            structlog.get_logger("shop").info("probe")

    @app.post("/later")
    async def later(tasks: BackgroundTasks):
        tasks.add_task(lambda: structlog.get_logger("shop").info("done.later"))

    return app


async def ask(app, path, method="GET", **options):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        return await client.request(method, path, **options)


def get(app, path, **options):
    return asyncio.run(ask(app, path, **options))


def keys(point):
    return {name: point.attributes.get(name) for name in ("http.route", "error.type")}


def test_a_request_is_one_server_span_and_one_point(recording):
    """A request is one SERVER span with the stable attributes, and one point of the duration."""
    app = shop()
    recording.telemetry.instrument(app)

    assert get(app, "/api/items/3?a=b", headers={"user-agent": "curl"}).status_code == 200

    (span,) = recording.spans()
    assert (span.name, span.kind) == ("GET /api/items/{item_id}", SpanKind.SERVER)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/api/items/3",
        "url.query": "a=b",
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 80,
        "user_agent.original": "curl",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": 123,
        "client.address": "127.0.0.1",
        "http.route": "/api/items/{item_id}",
        "http.response.status_code": 200,
    }
    (point,) = recording.points(DURATION)
    assert (point.count, dict(point.attributes)) == (
        1,
        {
            "http.request.method": "GET",
            "url.scheme": "http",
            "network.protocol.version": "1.1",
            "http.route": "/api/items/{item_id}",
            "http.response.status_code": 200,
        },
    )
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


@pytest.mark.parametrize(
    ("path", "status", "name", "error"),
    [
        ("/api/items/3", 200, "GET /api/items/{item_id}", None),
        ("/api/items/x", 422, "GET /api/items/{item_id}", None),
        ("/nowhere/3", 404, "GET", None),
        ("/later", 405, "GET /later", None),
        ("/refused", 503, "GET /refused", "503"),
        ("/boom", 500, "GET /boom", "ValueError"),
        ("/stream", 200, "GET /stream", None),
    ],
)
def test_routes_and_errors(recording, path, status, name, error):
    """The route is the template, absent where none matched; only 5xx and exceptions are errors."""
    app = shop()
    recording.telemetry.instrument(app)

    assert get(app, path).status_code == status

    (span,) = recording.spans()
    assert span.name == name
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("error.type") == error
    assert (span.status.status_code is StatusCode.ERROR) == (error is not None)
    (point,) = recording.points(DURATION)
    route = name.partition(" ")[2] or None
    assert keys(point) == {"http.route": route, "error.type": error}


def test_an_exception_is_one_record_and_one_event(recording, caplog):
    """An unhandled exception is one log record with the span's ids, and one event on the span."""
    app = shop()
    recording.telemetry.instrument(app)

    async def as_uvicorn():
        try:
            await ask_raising(app, "/boom")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    asyncio.run(as_uvicorn())

    (span,) = recording.spans()
    assert [event.name for event in span.events] == ["exception"]
    (record,) = [r for r in recording.records() if "exception.type" in r.attributes]
    assert (record.body, record.attributes["exception.message"]) == (
        "http.server.request.exception",
        "no such luck",
    )
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)


async def ask_raising(app, path):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        await client.get(path)


def test_lines_carry_the_ids_of_their_request(recording):
    """The application's line and the access line have the trace and span id of the request."""
    app = shop()
    recording.telemetry.instrument(app)

    get(app, "/api/items/3")

    (span,) = recording.spans()
    found = {r.body: (r.trace_id, r.span_id) for r in recording.records() if r.trace_id}
    ids = (span.context.trace_id, span.context.span_id)
    assert found == {"item.read": ids, "otel_flow.http.request": ids}


def test_background_tasks_belong_to_the_request(recording):
    """What a background task logs has the request's ids, and is no part of its duration."""
    app = shop()
    recording.telemetry.instrument(app)

    assert asyncio.run(ask(app, "/later", "POST")).status_code == 200

    (span,) = recording.spans()
    (record,) = [r for r in recording.records() if r.body == "done.later"]
    assert record.trace_id == span.context.trace_id


def test_a_valid_request_id_is_kept_and_echoed(recording):
    """An inbound id is bound, logged and echoed."""
    app = shop()
    recording.telemetry.instrument(app)

    answer = get(app, "/api/items/3", headers={"X-Request-ID": "order-17"})

    assert answer.headers["x-request-id"] == "order-17"
    assert answer.json()["request_id"] == "order-17"
    assert {r.attributes["request_id"] for r in recording.records() if r.trace_id} == {"order-17"}


def test_the_first_valid_request_id_counts(recording):
    """The headers of the list are tried in its order; the answer has the first one's name."""
    app = shop()
    recording.telemetry.instrument(app)

    answer = get(app, "/stream", headers={"X-Request-ID": "not valid", "X-Correlation-ID": "c-17"})

    assert answer.headers["x-request-id"] == "c-17"


@pytest.mark.parametrize("sent", [None, "", "two words", "x" * 129, 'quo"te', "\u00e9"])
def test_without_a_valid_request_id_the_trace_id_serves(recording, sent):
    """An id that is missing or not valid is replaced by the trace id."""
    app = shop()
    recording.telemetry.instrument(app)

    headers = {} if sent is None else {"X-Request-ID": sent.encode("latin-1")}
    answer = get(app, "/api/items/3", headers=headers)

    (span,) = recording.spans()
    trace_id = trace.format_trace_id(span.context.trace_id)
    assert answer.headers["x-request-id"] == trace_id
    assert answer.headers["traceresponse"].split("-")[1] == trace_id


def test_the_callers_trace_goes_on(recording):
    """The span of the request is a child of the caller's."""
    app = shop()
    recording.telemetry.instrument(app)

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    get(app, "/api/items/3", headers={"traceparent": parent})

    (span,) = recording.spans()
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/metrics"])
def test_probes_leave_no_trace_in_any_signal(recording, path):
    """Probes and documentation pages make no span, no point and no access line."""
    app = shop()
    recording.telemetry.instrument(app)

    get(app, path)

    assert (recording.spans(), recording.points(DURATION)) == ([], [])
    assert [r.body for r in recording.records() if r.body.startswith("otel_flow")] == []


def test_what_a_probe_logs_itself_is_kept():
    """Only telemetry about the probe is left out, not what the application says in it."""
    made = Recording()
    app = shop()
    made.telemetry.instrument(app)

    get(app, "/health")
    made.close()

    assert "probe" in [r.body for r in made.records()]


def test_excluded_urls_are_the_users_beside_the_default_ones():
    """OTEL_PYTHON_EXCLUDED_URLS adds to the defaults; without the defaults probes are recorded."""
    made = Recording(excluded_urls=("shop.example/api",), excluded_defaults=False)
    app = shop()
    made.telemetry.instrument(app)

    get(app, "/api/items/3")
    get(app, "/health")
    made.close()

    assert [span.name for span in made.spans()] == ["GET /health"]


def test_mounted_applications_are_one_span_with_the_whole_route(recording):
    """A request to a mounted application, of either framework, is one span and one point."""

    async def deep(_request):
        return PlainTextResponse("deep")

    app, sub = shop(), FastAPI()
    sub.get("/things/{thing}")(lambda thing: thing)
    app.mount("/sub/{tenant}", sub)
    app.mount("/star", Starlette(routes=[Route("/deep/{x}", deep)]))
    undos = [kind.instrument(telemetry=recording.telemetry) for kind in (ours, starlette_ours)]

    get(app, "/sub/acme/things/4")
    get(app, "/star/deep/5")
    for undo in undos:
        undo()

    # The client that asks is instrumented, too.
    served = [span for span in recording.spans() if span.kind is SpanKind.SERVER]
    assert [span.name for span in served] == [
        "GET /sub/{tenant}/things/{thing}",
        "GET /star/deep/{x}",
    ]
    assert [point.count for point in recording.points(DURATION)] == [1, 1]


def test_a_starlette_application_and_its_mounts(recording):
    """Starlette alone is recorded the same way."""

    async def answer(_request):
        return PlainTextResponse("yes")

    inner = Starlette(routes=[Route("/leaf/{x}", answer)])
    app = Starlette(routes=[Route("/a/{b}", answer), Mount("/mount/{m}", inner)])
    recording.telemetry.instrument(app)

    for path in ("/a/1", "/mount/2/leaf/3", "/none"):
        get(app, path)

    assert [span.name for span in recording.spans()] == [
        "GET /a/{b}",
        "GET /mount/{m}/leaf/{x}",
        "GET",
    ]


def test_instrumenting_twice_is_once_and_the_first_undo_counts(recording):
    """A second call adds nothing, and its undo takes nothing away."""
    app = shop()
    undo = recording.telemetry.instrument(app)
    again = recording.telemetry.instrument(app)

    again()
    get(app, "/api/items/1")
    undo()
    get(app, "/api/items/2")

    assert [span.attributes["url.path"] for span in recording.spans()] == ["/api/items/1"]


def test_everything_covers_applications_made_before_and_after(recording):
    """Applications are recorded whenever they were made; one that is taken out is not."""
    before = shop()
    undo = ours.instrument(telemetry=recording.telemetry)
    after, out = shop(), shop()
    ours.uninstrument(out)

    for app in (before, after, out):
        get(app, "/api/items/1")
    undo()
    get(before, "/api/items/1")

    assert len(recording.spans()) == 2
    assert fastapi.FastAPI.__call__.__module__ == "fastapi.applications"
    assert starlette_ours.TARGETS[0].__call__.__module__ == "starlette.applications"


def test_sizes_of_bodies(recording):
    """Request and response sizes are recorded in bytes; streamed bodies are summed up."""
    app = shop()
    recording.telemetry.instrument(app)

    get(app, "/stream")
    asyncio.run(ask(app, "/later", "POST", content=b"1234"))

    (response, _) = recording.points("http.server.response.body.size")
    requests = recording.points("http.server.request.body.size")
    assert response.sum == 10
    assert [point.sum for point in requests if point.sum] == [4]


def test_active_requests_are_observed_while_they_run(recording):
    """An open request counts as active, and the count comes back to zero."""
    app, seen = FastAPI(), []

    @app.get("/busy")
    async def busy():
        seen.append([point.value for point in recording.points("http.server.active_requests")])

    recording.telemetry.instrument(app)
    get(app, "/busy")

    assert seen == [[1]]
    assert [point.value for point in recording.points("http.server.active_requests")] == [0]


def test_a_client_that_leaves_is_no_error(recording):
    """A disconnect ends the span without an error, marked as such."""
    app = FastAPI()

    @app.get("/wait")
    async def wait():
        raise asyncio.CancelledError

    recording.telemetry.instrument(app)
    with contextlib.suppress(asyncio.CancelledError):
        get(app, "/wait")

    (span,) = recording.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["otel_flow.http.disconnected"] is True


def test_a_websocket_is_one_span_with_its_messages_counted(recording):
    """A connection is one span, however many messages it carries, and makes no duration."""
    app = FastAPI()

    @app.websocket("/ws/{room}")
    async def room(websocket: WebSocket, room: str):
        await websocket.accept()
        for _ in range(2):
            await websocket.send_text(await websocket.receive_text() + room)
        await websocket.close()

    recording.telemetry.instrument(app)
    messages = iter(
        [{"type": "websocket.connect"}]
        + [{"type": "websocket.receive", "text": text} for text in ("a", "b")]
    )

    async def receive():
        return next(messages)

    async def send(_message):
        pass

    scope = {"type": "websocket", "path": "/ws/blue", "headers": [], "scheme": "ws"}
    asyncio.run(app({**scope, "query_string": b"", "subprotocols": []}, receive, send))

    (span,) = recording.spans()
    assert span.name == "WS /ws/{room}"
    assert span.attributes["otel_flow.websocket.messages.received"] == 2
    assert span.attributes["otel_flow.websocket.messages.sent"] == 2
    assert recording.points(DURATION) == []


def test_slow_requests_are_named():
    """A request above the threshold is one WARN event."""
    made = Recording(slow_request=0.000001, access_log=False)
    app = shop()
    made.telemetry.instrument(app)

    get(app, "/stream")
    made.close()

    (record,) = [r for r in made.records() if r.body.startswith("otel_flow")]
    assert (record.body, record.severity_text) == ("otel_flow.http.slow_request", "WARN")


def test_routes_have_shares_of_their_own():
    """A route of share 0 has no trace but keeps its point, its line and its ids."""
    made = Recording(route_sampling={"/api/items/{item_id}": 0})
    app = shop()
    undo = made.telemetry.instrument(app)

    answer = get(app, "/api/items/3")
    get(app, "/stream")
    undo()
    made.close()

    assert [span.name for span in made.spans()] == ["GET /stream"]
    assert int(answer.headers["traceresponse"][-2:], 16) & 1 == 0
    lines = [r for r in made.records() if r.body == "otel_flow.http.request"]
    assert [line.attributes["url.path"] for line in lines] == ["/api/items/3", "/stream"]
    assert sum(point.count for point in made.points(DURATION)) == 2


@pytest.mark.parametrize(
    ("name", "value", "client"),
    [
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
        ("X-Forwarded-For", "6.6.6.6, unknown, 10.0.0.3", "10.0.0.3"),
        ("X-Forwarded-For", "[2001:db8::7]:4711", "2001:db8::7"),
        ("X-Forwarded-For", "", "127.0.0.1"),
        ("Forwarded", 'for=6.6.6.6, for="203.0.113.7:99";proto=https, For=10.0.0.3', "203.0.113.7"),
        ("Forwarded", 'proto=https;for="[2001:db8::7]"', "2001:db8::7"),
        ("Forwarded", "for=_hidden, for=10.0.0.3;by=10.0.0.4", "10.0.0.3"),
        ("Forwarded", "proto=https", "127.0.0.1"),
    ],
)
def test_forwarded_addresses_count_only_from_trusted_proxies(name, value, client):
    """A forwarded address is believed where the peer is trusted, up to the first untrusted hop."""
    seen = []
    for trusted in ((), ("127.0.0.1/32", "10.0.0.0/8")):
        made = Recording(trusted_proxies=trusted)
        app = shop()
        undo = made.telemetry.instrument(app)
        get(app, "/stream", headers={name: value})
        undo()
        made.close()
        seen.append(made.spans()[0].attributes["client.address"])

    assert seen == ["127.0.0.1", client]


def test_headers_are_captured_by_list_only():
    """Listed headers become attributes, others never do."""
    made = Recording(capture_request_headers=("x-tenant.*",), capture_response_headers=("x-.*",))
    app = shop()
    made.telemetry.instrument(app)

    get(app, "/stream", headers={"X-Tenant-Id": "acme", "Authorization": "Bearer t"})
    made.close()

    captured = {k: v for k, v in made.spans()[0].attributes.items() if ".header." in k}
    assert captured == {"http.request.header.x-tenant-id": ("acme",)}


def test_unknown_methods_are_other(recording):
    """A method that nobody knows makes no series of its own."""
    app = shop()
    recording.telemetry.instrument(app)

    asyncio.run(ask(app, "/stream", "BREW"))

    (span,) = recording.spans()
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


def test_an_unknown_target_is_a_type_error_before_anything_is_done(recording):
    """A target of another type is refused, with the supported types named."""
    app = shop()

    with pytest.raises(TypeError, match=r"cannot instrument builtins\.int; supported are fastapi"):
        recording.telemetry.instrument(app, 17)

    get(app, "/stream")
    assert recording.spans() == []
