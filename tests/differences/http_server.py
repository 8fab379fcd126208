"""FastAPI and Starlette under contrib's instrumentation and under ours."""

from __future__ import annotations

import asyncio

from typing import Any

from fastapi import APIRouter, BackgroundTasks, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.differences.side import traceparent


TITLE = "HTTP servers: FastAPI and Starlette"
AGAINST = "`opentelemetry-instrumentation-fastapi`"

PATHS = {
    "prefix": "/v1/items/3",
    "mount": "/sub/things/4",
    "starlette": "/star/deep/5",
    "unmatched": "/nowhere/6",
    "boom": "/boom",
    "later": "/later",
    "middle": "/breaks",
    "secret": "/v1/items/3?token=hunter2&sig=abc&page=2",
    "probe": "/healthz",
}


def build() -> FastAPI:
    app, items, sub = FastAPI(), APIRouter(prefix="/items"), FastAPI()

    async def deep(_request):
        return PlainTextResponse("deep")

    items.get("/{item_id}")(lambda item_id: {"id": item_id})
    app.include_router(items, prefix="/v1")
    sub.get("/things/{thing}")(lambda thing: thing)
    app.mount("/sub", sub)
    app.mount("/star", Starlette(routes=[Route("/deep/{x}", deep)]))
    app.get("/healthz")(lambda: "ok")
    app.get("/stream")(lambda: StreamingResponse(iter([b"x" * 1000, b"y" * 1000])))

    @app.get("/boom")
    def boom():
        raise ValueError("no such luck")

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        async def fail():
            await asyncio.sleep(0.3)
            raise ValueError("afterwards")

        tasks.add_task(fail)

    @app.get("/breaks")
    async def breaks():
        async def chunks():
            yield b"the beginning"
            raise ValueError("in the middle")

        return StreamingResponse(chunks())

    @app.websocket("/ws/{room}")
    async def room(websocket: WebSocket, room: str):
        await websocket.accept()
        for _ in range(3):
            await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    return app


def run(side: str, providers: Any, notes: dict[str, str]) -> None:
    from fastapi.testclient import TestClient  # which warns of what it is made of

    app = build()
    if side == "ours":
        providers.instrument(app)
    else:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(app, **providers)
    client = TestClient(app, raise_server_exceptions=False)
    for step, path in PATHS.items():
        answer = client.get(path, headers={"traceparent": traceparent(step)})
        notes[step] = ", ".join(
            name for name in ("traceresponse", "x-request-id") if name in answer.headers
        )
    client.get("/stream", headers={"traceparent": traceparent("stream")})
    with client.websocket_connect("/ws/blue", headers={"traceparent": traceparent("ws")}) as socket:
        for _ in range(3):
            socket.send_text("hello")
            socket.receive_text()


def server(arrived, step):
    (span,) = arrived.spans(step, "SERVER")
    return span


def spans(step):
    def read(arrived):
        found = arrived.spans(step)
        kinds = ", ".join(
            f"{sum(span.kind == kind for span in found)} {kind}"
            for kind in dict.fromkeys(span.kind for span in found)
        )
        return kinds or "none"

    return read


def name(step):
    return lambda arrived: f"`{server(arrived, step).name}`"


def error(step):
    def read(arrived):
        span = server(arrived, step)
        events = span.events.count("exception")
        return (
            f"`error.type` {span.attributes.get('error.type', 'absent')}, "
            f"{events} span event{'' if events == 1 else 's'}, "
            f"{arrived.exceptions(step)} log record"
        )

    return read


def afterwards(arrived):
    """Which span a background task of 0.3 s that fails is the error of, and which have its time."""
    found = arrived.spans("later")
    failed = [f"{span.kind} `{span.name}`" for span in found if span.failed]
    slow = [f"`{span.name}`" for span in found if span.nanoseconds > 0.25e9]
    duration = sum(
        p["sum"] > 0.25
        for p in arrived.points("http.server.request.duration")
        if p.get("http.route") == "/later"
    )
    return (
        f"error of {', '.join(failed) or 'none'}; its time is in {', '.join(slow)}"
        f"{' and in the duration' if duration else ''}; {arrived.exceptions('later')} log record"
    )


def routes(arrived):
    found = {
        p.get("http.route") or "absent" for p in arrived.points("http.server.request.duration")
    }
    return ", ".join(f"`{route}`" for route in sorted(found))


def mounted(arrived):
    points = arrived.points("http.server.request.duration")
    return str(sum(p["count"] for p in points if "/sub" in str(p.get("http.route"))))


def stream_size(arrived):
    points = arrived.points("http.server.response.body.size")
    found = [p for p in points if p.get("http.route") == "/stream"]
    return f"{found[0]['sum']:.0f} bytes" if found else "none"


ROWS = [
    ("Spans of a plain request", spans("prefix")),
    ("Name of a route in a router with a prefix", name("prefix")),
    ("Name of a route in a mounted FastAPI", name("mount")),
    ("Spans of a request to a mounted FastAPI", spans("mount")),
    ("Points of one request to a mounted FastAPI", mounted),
    ("Name of a route in a mounted Starlette", name("starlette")),
    ("Name of a request that no route matches", name("unmatched")),
    ("`http.route` of the duration", routes),
    ("An unhandled exception", error("boom")),
    ("An exception in the middle of a response", error("middle")),
    ("A background task that fails after the response", afterwards),
    (
        "`url.query` of `?token=hunter2&sig=abc&page=2`",
        lambda arrived: f"`{server(arrived, 'secret').attributes.get('url.query')}`",
    ),
    ("Spans of a health probe", spans("probe")),
    ("Spans of a WebSocket with 3 messages each way", spans("ws")),
    ("Recorded size of a stream of 2000 bytes", stream_size),
    (
        "Headers that name the trace in a response",
        lambda arrived: arrived.notes["prefix"] or "none",
    ),
    ("Metrics", lambda arrived: ", ".join(arrived.metric_names("http."))),
]
