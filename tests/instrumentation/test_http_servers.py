"""Requests over real sockets to real ASGI servers."""

import asyncio
import contextlib
import logging
import socket
import threading

import httpx
import hypercorn.asyncio
import hypercorn.config
import pytest
import structlog
import uvicorn
import websockets.sync.client

from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from opentelemetry.trace import StatusCode
from starlette.responses import PlainTextResponse, StreamingResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus

from otel_flow.instrumentation.asgi import Middleware
from tests.recording import Recording
from tests.waiting import wait_until


SECONDS = 60
DURATION = "http.server.request.duration"


@contextlib.contextmanager
def under_uvicorn(app, **options):
    """The address of *app* under uvicorn, in a thread of this process."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5, **options)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "uvicorn")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextlib.contextmanager
def under_hypercorn(app):
    """The address of *app* under hypercorn, in a thread of this process."""
    config, ended = hypercorn.config.Config(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = 1

    async def shutdown():
        await asyncio.to_thread(ended.wait)

    def run():
        asyncio.run(hypercorn.asyncio.serve(app, config, shutdown_trigger=shutdown))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        thread.join(30)
        listener.detach()


@pytest.fixture
def recorded():
    """Makes recordings of applications."""
    with contextlib.ExitStack() as stack:

        def make(app, **settings):
            made = Recording(**settings)
            stack.callback(made.close)
            stack.callback(made.telemetry.instrument(app))
            return made

        yield make


def shop():
    app = FastAPI()

    @app.get("/items/{item_id}")
    async def item(item_id: int):
        return {"id": item_id}

    @app.get("/healthz")
    async def health():
        return "ok"

    @app.get("/endless")
    async def endless():
        async def chunks():
            while True:
                yield b"x" * 1024
                await asyncio.sleep(0.01)

        return StreamingResponse(chunks())

    @app.get("/breaks")
    async def breaks():
        async def chunks():
            yield b"the beginning"
            raise ValueError("in the middle")

        return StreamingResponse(chunks())

    @app.post("/later")
    async def later(tasks: BackgroundTasks):
        async def fail():
            raise ValueError("afterwards")

        tasks.add_task(fail)

    add_websocket(app)
    return app


def add_websocket(app):
    @app.websocket("/ws/{room}")
    async def room(websocket: WebSocket, room: str):
        if room == "closed":
            await websocket.close()
            return
        if room == "private":
            await websocket.send_denial_response(PlainTextResponse("no", 403))
            return
        await websocket.accept()
        if room == "broken":
            raise ValueError("no such luck")
        while (text := await websocket.receive_text()) != "bye":
            await websocket.send_text(text)
        await websocket.close(4001)


def spans_of(recording, count=1):
    wait_until(lambda: len(recording.spans()) >= count, "the spans")
    return recording.spans()


def raised(recording):
    """The exceptions that were logged, and the span that each record belongs to."""
    return [
        (r.attributes["exception.message"], r.span_id)
        for r in recording.records()
        if "exception.type" in r.attributes
    ]


@pytest.mark.parametrize("ours", [True, False])
def test_the_access_log_is_ours_or_uvicorns(recorded, caplog, monkeypatch, ours):
    """A request has one access line, from us or by setting from uvicorn; a probe has none."""
    app = shop()
    # As uvicorn's own configuration has it, whatever a configuration of another test has left.
    logger = logging.getLogger("uvicorn.access")
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setattr(logger, "propagate", True)
    recording = recorded(app, access_log=ours)
    caplog.set_level("INFO", "uvicorn.access")

    with under_uvicorn(app) as address:
        httpx.get(f"{address}/healthz?deep=1", timeout=SECONDS)
        httpx.get(f"{address}/items/1?a=b", timeout=SECONDS)

    lines = [r.body for r in recording.records() if "/items" in str(r.body) + str(r.attributes)]
    (line,) = [*lines, *(r.body for r in recording.records() if "/healthz" in str(r.body))]
    assert (line == "otel_flow.http.request") is ours
    assert ours or '"GET /items/1?a=b HTTP/1.1" 200' in line


def test_a_client_that_leaves_a_stream_is_no_error(recorded):
    """A response that nobody takes any more ends the span without an error, marked as such."""
    app = shop()
    recording = recorded(app)

    with under_uvicorn(app) as address:
        with httpx.stream("GET", f"{address}/endless", timeout=SECONDS) as answer:
            next(answer.iter_raw())
        (span,) = spans_of(recording)

    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["otel_flow.http.disconnected"] is True
    assert span.attributes["http.response.status_code"] == 200
    (point,) = recording.points(DURATION)
    assert "error.type" not in point.attributes
    assert raised(recording) == []


async def silent(scope, receive, send):
    """Returns without a response, at once or, below /wait, when the client has left."""
    if scope["path"].endswith("/wait"):
        while (await receive())["type"] != "http.disconnect":
            pass


@contextlib.contextmanager
def recorded_silence(recorded, under, kind):
    """A recording of an application that never answers, and its address."""
    if kind == "middleware":
        recording = recorded(FastAPI())
        app = Middleware(silent, telemetry=recording.telemetry)
    else:
        app = FastAPI()
        app.mount("/silent", silent)
        recording = recorded(app)
    with under(app) as url:
        yield recording, url


@pytest.mark.parametrize("kind", ["middleware", "framework"])
@pytest.mark.parametrize("under", [under_uvicorn, under_hypercorn])
def test_no_response_is_an_error(recorded, under, kind):
    """Where the application returns without a response, the server says 500, and span and metric an error."""
    with recorded_silence(recorded, under, kind) as (recording, url):
        answer = httpx.post(f"{url}/silent/now", content=b"unread", timeout=SECONDS)
        (span,) = spans_of(recording)

    assert answer.status_code == 500
    assert span.attributes["error.type"] == "no_response"
    assert span.status.status_code is StatusCode.ERROR
    (point,) = recording.points(DURATION)
    assert point.attributes["error.type"] == "no_response"


@pytest.mark.parametrize("kind", ["middleware", "framework"])
@pytest.mark.parametrize("under", [under_uvicorn, under_hypercorn])
def test_no_response_to_nobody_is_no_error(recorded, under, kind):
    """Where the client left, an application that ends without a response has done nothing wrong."""
    with recorded_silence(recorded, under, kind) as (recording, url):
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/silent/wait", timeout=0.5)
        (span,) = spans_of(recording)

    assert "error.type" not in span.attributes
    assert span.attributes["otel_flow.http.disconnected"]
    assert span.status.status_code is StatusCode.UNSET


def test_an_exception_in_the_middle_of_a_response(recorded):
    """What breaks off a response is its error, one event and one record, whatever the status was."""
    app = shop()
    recording = recorded(app)

    with under_uvicorn(app) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{address}/breaks", timeout=SECONDS)

    (span,) = spans_of(recording)
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["error.type"] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert raised(recording) == [("in the middle", span.context.span_id)]


def test_an_exception_after_the_response(recorded):
    """What fails in a background task is an error of its own in the trace, one event and one record."""
    app = shop()
    recording = recorded(app)

    with under_uvicorn(app) as address:
        assert httpx.post(f"{address}/later", timeout=SECONDS).status_code == 200

    span, after = spans_of(recording, 2)
    assert (span.name, span.status.status_code) == ("POST /later", StatusCode.UNSET)
    assert (after.name, after.status.status_code) == ("after POST /later", StatusCode.ERROR)
    assert after.parent.span_id == span.context.span_id
    assert after.attributes == {"http.route": "/later", "error.type": "ValueError"}
    assert [event.name for event in after.events] == ["exception"]
    assert raised(recording) == [("afterwards", after.context.span_id)]


def test_head_and_options(recorded):
    """Requests without a body in the answer and those that a middleware answers are spans, too."""
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    app.head("/items/{item_id}")(lambda item_id: None)
    recording = recorded(app)
    asked = {"Origin": "http://a.example", "Access-Control-Request-Method": "GET"}

    with under_uvicorn(app) as address:
        assert httpx.head(f"{address}/items/1", timeout=SECONDS).status_code == 200
        assert (
            httpx.options(f"{address}/items/1", headers=asked, timeout=SECONDS).status_code == 200
        )

    assert [span.name for span in spans_of(recording, 2)] == ["HEAD /items/{item_id}", "OPTIONS"]
    methods = [p.attributes["http.request.method"] for p in recording.points(DURATION)]
    assert sorted(methods) == ["HEAD", "OPTIONS"]


def test_http_2(recorded):
    """A request over HTTP/2 is a span and a point of that version."""
    app = shop()
    recording = recorded(app)

    with (
        under_hypercorn(app) as address,
        httpx.Client(http1=False, http2=True, timeout=SECONDS) as client,
    ):
        answer = client.get(f"{address}/items/1", headers={"X-Request-ID": "ticket-7"})

    assert (answer.http_version, answer.headers["x-request-id"]) == ("HTTP/2", "ticket-7")
    (span,) = spans_of(recording)
    assert (span.name, span.attributes["network.protocol.version"]) == ("GET /items/{item_id}", "2")
    assert span.attributes["server.address"] == "127.0.0.1"
    (point,) = recording.points(DURATION)
    assert point.attributes["network.protocol.version"] == "2"


def test_lifespan_is_no_request(recorded):
    """Start and end of an application make no span, and what they log has no trace."""

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        structlog.get_logger("shop").info("starting")
        yield {"pool": 1}
        structlog.get_logger("shop").info("stopping")

    app = FastAPI(lifespan=lifespan)
    recording = recorded(app)

    with under_uvicorn(app):
        pass

    assert recording.spans() == []
    told = [(r.body, r.trace_id) for r in recording.records() if r.body in {"starting", "stopping"}]
    assert told == [("starting", 0), ("stopping", 0)]


@contextlib.contextmanager
def connected(address, path, **options):
    url = address.replace("http", "ws") + path
    with websockets.sync.client.connect(
        url, proxy=None, open_timeout=SECONDS, **options
    ) as connection:
        yield connection


@pytest.mark.parametrize("under", [under_uvicorn, under_hypercorn])
def test_the_answer_to_a_handshake_carries_the_ids(recorded, under):
    """Accepted or refused with a response: the client gets the connection's trace and request id."""
    app = shop()
    recording = recorded(app)

    with under(app) as address:
        own = {"additional_headers": {"X-Request-ID": "ticket-17"}}
        with connected(address, "/ws/blue", **own) as connection:
            accepted = connection.response.headers
        with connected(address, "/ws/green") as connection:
            without = connection.response.headers
        with pytest.raises(InvalidStatus) as caught, connected(address, "/ws/private", **own):
            pass
        spans = spans_of(recording, 3)

    refused = caught.value.response.headers
    ids = [f"00-{s.context.trace_id:032x}-{s.context.span_id:016x}-" for s in spans]
    answered = [headers["traceresponse"] for headers in (accepted, without, refused)]
    assert sorted(parent[:-2] for parent in answered) == sorted(ids)
    assert accepted["x-request-id"] == refused["x-request-id"] == "ticket-17"
    assert without["x-request-id"] == without["traceresponse"].split("-")[1]


def test_a_websocket_client_that_vanishes_is_no_error(recorded):
    """A connection that breaks off is one span with its messages, and no error in any signal."""
    app = shop()
    recording = recorded(app)

    with under_uvicorn(app) as address:
        with connected(address, "/ws/blue") as connection:
            connection.send("one")
            assert connection.recv() == "one"
            connection.socket.shutdown(socket.SHUT_RDWR)
        (span,) = spans_of(recording)

    assert (span.name, span.status.status_code) == ("WS /ws/{room}", StatusCode.UNSET)
    assert span.attributes["otel_flow.websocket.messages.received"] == 1
    assert raised(recording) == []


def test_an_exception_in_a_websocket(recorded):
    """An exception that ends a connection is one event of its span and one record."""
    app = shop()
    recording = recorded(app)

    with under_uvicorn(app) as address:
        with connected(address, "/ws/broken") as connection, pytest.raises(ConnectionClosed):
            connection.recv()
        (span,) = spans_of(recording)

    assert span.attributes["error.type"] == "ValueError"
    assert [event.name for event in span.events] == ["exception"]
    assert raised(recording) == [("no such luck", span.context.span_id)]


def test_a_websocket_that_is_refused(recorded):
    """A handshake that the application refuses is a span without an error."""
    app = shop()
    recording = recorded(app)

    with (
        under_uvicorn(app) as address,
        pytest.raises(InvalidStatus),
        connected(address, "/ws/closed"),
    ):
        pass

    (span,) = spans_of(recording)
    assert (span.name, span.status.status_code) == ("WS /ws/{room}", StatusCode.UNSET)


def talk(address):
    """Four connections: closed by the application, by the client, refused with a response and without."""
    with connected(address, "/ws/red") as connection:
        for text in ("one", "two", "bye"):
            connection.send(text)
        assert [connection.recv(), connection.recv()] == ["one", "two"]
        with pytest.raises(ConnectionClosed):
            connection.recv()
    with connected(address, "/ws/blue") as connection:
        connection.close(4002)
    for refused in ("private", "closed"):
        with pytest.raises(InvalidStatus), connected(address, f"/ws/{refused}"):
            pass


@pytest.mark.parametrize(
    # hypercorn tells the application no code of the client's.
    ("under", "from_client"),
    [(under_uvicorn, 4002), (under_hypercorn, 1006)],
)
def test_a_connection_has_one_line_when_it_ends(recorded, under, from_client):
    """A WebSocket is one line of the access log: route, status, close code, messages, duration and client."""
    app = shop()
    recording = recorded(app)

    with under(app) as address:
        talk(address)
        spans = spans_of(recording, 4)

    lines = {r.attributes["url.path"][4:]: r for r in recording.records() if r.body == CONNECTION}
    found = {path: outcome_of(line) for path, line in lines.items()}
    assert found == {
        "red": (101, 4001, 3, 2),
        "blue": (101, from_client, 0, 0),
        "private": (403, None, 0, 0),
        "closed": (403, None, 0, 0),
    }
    assert {line.span_id for line in lines.values()} == {span.context.span_id for span in spans}
    for line in lines.values():
        assert line.attributes["http.route"] == "/ws/{room}"
        assert line.attributes["otel_flow.http.duration"] > 0
        assert line.attributes["client.address"] == "127.0.0.1"


CONNECTION = "otel_flow.websocket.connection"


def outcome_of(line):
    names = ("http.response.status_code", "otel_flow.websocket.close_code")
    sizes = (f"otel_flow.websocket.messages.{way}" for way in ("received", "sent"))
    return tuple(line.attributes.get(name) for name in (*names, *sizes))


@pytest.mark.parametrize("ours", [True, False])
def test_the_lines_of_connections_are_ours_or_uvicorns(recorded, caplog, ours):
    """By setting uvicorn tells of WebSockets instead, and of one that is excluded nobody does."""
    app = shop()
    recording = recorded(app, access_log=ours, excluded_urls=("/ws/blue",))
    caplog.set_level("INFO", "uvicorn.error")  # as uvicorn's own configuration has it

    with under_uvicorn(app) as address:
        talk(address)

    told = [(str(r.body), r.attributes) for r in recording.records()]
    paths = {"/ws/red", "/ws/private", "/ws/closed"}
    assert {a.get("url.path") for body, a in told if body == CONNECTION} == (
        paths if ours else set()
    )
    said = [body for body, _ in told if "WebSocket" in body or body.startswith("connection ")]
    assert [path for path in sorted(paths) if any(path in body for body in said)] == (
        [] if ours else sorted(paths)
    )
    assert not any("/ws/blue" in body + str(attributes) for body, attributes in told)
    assert ours is not any(body == "connection open" for body in said)


def test_timing_headers_are_sent_by_setting(recorded):
    """Server-Timing with the span and X-Process-Time are in a response only where they are asked for."""
    headers = []
    for on in (False, True):
        app = shop()
        recording = recorded(app, server_timing=on, process_time_header=on)
        with under_uvicorn(app) as address:
            headers.append(httpx.get(f"{address}/items/1", timeout=SECONDS).headers)

    off, on = headers
    (span,) = spans_of(recording)
    assert {"server-timing", "x-process-time"}.isdisjoint(off)
    assert f"{span.context.span_id:016x}" in on["server-timing"]
    assert float(on["x-process-time"]) >= 0
