"""Applications that no framework we know has made, recorded by the middleware."""

import asyncio
import logging

import httpx
import pytest

from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.trace import StatusCode
from starlette.responses import FileResponse

from otel_flow.instrumentation.asgi import Middleware
from tests.recording import Recording


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


async def application(scope, receive, send):
    """Answers everything; what is asked for below /items has a route."""
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    if scope["path"] == "/boom":
        raise ValueError("no such luck")
    if scope["path"].startswith("/items/"):
        scope["template"] = "/items/{item_id}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


def get(app, path):
    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_any_application(recording):
    """Requests to a bare ASGI application are spans with the route that it is asked for."""
    app = Middleware(
        application, telemetry=recording.telemetry, route_of=lambda scope: scope.get("template")
    )

    answer = get(app, "/items/3")
    get(app, "/boom")
    get(app, "/healthz")

    found, failed = recording.spans()
    assert (found.name, failed.name) == ("GET /items/{item_id}", "GET")
    assert failed.attributes["error.type"] == "ValueError"
    assert failed.status.status_code is StatusCode.ERROR
    assert answer.headers["x-request-id"] == f"{found.context.trace_id:032x}"
    routes = [
        p.attributes.get("http.route") for p in recording.points("http.server.request.duration")
    ]
    assert sorted(routes, key=str) == ["/items/{item_id}", None]


def test_it_begins_with_the_telemetry():
    """Without telemetry the application answers alone; nothing has to be made in an order."""
    app = Middleware(application)

    assert get(app, "/items/3").text == "yes"


def test_lifespan_passes(recording):
    """Start and end of the application are no requests."""
    app, sent = Middleware(application, telemetry=recording.telemetry), []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, None, send))

    assert (sent, recording.spans()) == (["lifespan.startup.complete"], [])


def test_it_is_not_twice(recording):
    """Around an application that is recorded anyway, inside contrib or in itself, once is once."""
    app = FastAPI()
    app.get("/one")(lambda: 1)
    undo = recording.telemetry.instrument(app)
    twice = Middleware(Middleware(app, telemetry=recording.telemetry))
    around = OpenTelemetryMiddleware(
        Middleware(application, telemetry=recording.telemetry),
        tracer_provider=recording.telemetry.tracer_provider,
    )

    get(twice, "/one")
    get(around, "/first")
    get(around, "/second")
    undo()

    scopes = [span.instrumentation_scope.name for span in recording.spans()]
    assert scopes == ["otel_flow.asgi"] * 3


def test_what_it_changed_ends_with_it(recording):
    """When the middleware is gone, uvicorn's access log is as it was."""
    before = list(logging.getLogger("uvicorn.access").filters)
    app = Middleware(application, telemetry=recording.telemetry)
    get(app, "/one")
    assert logging.getLogger("uvicorn.access").filters != before

    del app

    assert logging.getLogger("uvicorn.access").filters == before


@pytest.mark.parametrize(
    ("method", "extensions", "size"),
    [("GET", {}, 2000), ("GET", {"http.response.pathsend": {}}, 2000), ("HEAD", {}, 0)],
)
def test_the_size_of_a_file(recording, tmp_path, method, extensions, size):
    """The size of a response is what is sent of it, also where the server reads the file itself."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2000)
    app = Middleware(FileResponse(path), telemetry=recording.telemetry)
    scope = {
        "type": "http",
        "method": method,
        "path": "/file",
        "headers": [],
        "extensions": extensions,
    }

    async def receive():
        await asyncio.Event().wait()

    async def send(_message):
        pass

    asyncio.run(app(scope, receive, send))

    (point,) = recording.points("http.server.response.body.size")
    assert point.sum == size


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("broken", ["headers", "route"])
def test_what_cannot_be_recorded_is_answered_all_the_same(recording, caplog, kind, broken):
    """A scope that we cannot read, or a route function that raises, costs the telemetry only."""
    served = []

    def route_of(_scope):
        raise KeyError("no such route")

    async def serve(scope, _receive, _send):
        served.append(scope["type"])

    app = Middleware(serve, telemetry=recording.telemetry, route_of=route_of)
    headers = [(b"host", b"shop"), None] if broken == "headers" else []
    scope = {"type": kind, "method": "GET", "path": "/one", "headers": headers}

    for _ in range(2):
        asyncio.run(app(dict(scope), None, None))

    assert served == [kind, kind]
    (warning,) = [r for r in caplog.records if r.name == "otel_flow.instrumentation"]
    assert warning.getMessage() == "a request was not recorded"


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_body_that_none_can_be(recording, digits):
    """A size that a client makes up costs the size, and neither the request's record nor the sum."""
    sent = [(b"content-length", b"9" * digits)]
    scope = {"type": "http", "method": "GET", "path": "/items/3", "headers": sent}

    async def send(_message):
        pass

    asyncio.run(Middleware(application, telemetry=recording.telemetry)(scope, None, send))

    (span,) = recording.spans()
    assert span.attributes["http.response.status_code"] == 200
    assert recording.points("http.server.request.body.size") == []
