"""Whatever else records HTTP requests in the same process, each is one span and one point."""

import asyncio

import fastapi
import httpx
import pytest

from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from otel_flow.instrumentation import fastapi as fastapi_ours
from otel_flow.instrumentation import starlette as starlette_ours
from tests.recording import Recording


DURATION = "http.server.request.duration"


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


def get(app, path="/one"):
    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path)

    return asyncio.run(ask())


def shop(kind=FastAPI, **options):
    app = kind(**options)
    app.get("/one")(lambda: 1)
    return app


def native(recording):
    return shop(telemetry={"tracer_provider": recording.telemetry.tracer_provider})


def contrib_first(recording):
    app = native(recording)
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=recording.telemetry.tracer_provider, meter_provider=meters(recording)
    )
    recording.telemetry.instrument(app)
    return app


def contrib_last(recording):
    app = native(recording)
    recording.telemetry.instrument(app)
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=recording.telemetry.tracer_provider, meter_provider=meters(recording)
    )
    return app


def contrib_everywhere(recording):
    FastAPIInstrumentor().instrument(
        tracer_provider=recording.telemetry.tracer_provider, meter_provider=meters(recording)
    )
    try:
        return shop(fastapi.FastAPI)
    finally:
        FastAPIInstrumentor().uninstrument()


def contrib_added(recording):
    app = shop()
    app.add_middleware(OpenTelemetryMiddleware, tracer_provider=recording.telemetry.tracer_provider)
    return app


def contrib_around(recording):
    return OpenTelemetryMiddleware(
        GZipMiddleware(native(recording)),
        tracer_provider=recording.telemetry.tracer_provider,
        meter_provider=meters(recording),
    )


def contrib_around_starlette(recording):
    async def one(_request):
        return PlainTextResponse("1")

    provider = recording.telemetry.tracer_provider
    app = Starlette(
        routes=[Route("/one", one)],
        middleware=[Middleware(OpenTelemetryMiddleware, tracer_provider=provider)],
    )
    return OpenTelemetryMiddleware(app, tracer_provider=provider, meter_provider=meters(recording))


def fastapi_inside_starlette(recording):
    return Starlette(routes=[Mount("/inside", native(recording)), Mount("/", native(recording))])


def both_ways(recording):
    app = native(recording)
    recording.telemetry.instrument(app)
    recording.telemetry.instrument(app)
    return app


def meters(recording):
    return recording.telemetry.meter_provider


@pytest.mark.parametrize(
    "combination",
    [
        native,
        contrib_first,
        contrib_last,
        contrib_everywhere,
        contrib_added,
        contrib_around,
        contrib_around_starlette,
        fastapi_inside_starlette,
        both_ways,
    ],
)
def test_never_twice(recording, combination):
    """A request is one span and one point, whoever else would record it, inside or around us."""
    app = combination(recording)
    undos = [
        ours.instrument(telemetry=recording.telemetry) for ours in (fastapi_ours, starlette_ours)
    ]

    get(app)
    get(app)
    for undo in undos:
        undo()

    assert [span.name for span in recording.spans()] == ["GET /one", "GET /one"]
    assert [point.count for point in recording.points(DURATION)] == [2]


def test_what_a_recorded_application_mounts_is_part_of_it(recording):
    """FastAPI mounted in a Starlette that alone is recorded adds no span; the route is whole."""
    app = fastapi_inside_starlette(recording)
    undo = recording.telemetry.instrument(app)

    get(app, "/inside/one")
    undo()

    assert [span.name for span in recording.spans()] == ["GET /inside/one"]


def test_contrib_records_what_we_do_not(recording):
    """Contrib's middleware goes on around applications of others, and around ours after the undo."""
    provider = recording.telemetry.tracer_provider

    async def raw(scope, receive, send):
        await PlainTextResponse("1")(scope, receive, send)

    others, app = OpenTelemetryMiddleware(raw, tracer_provider=provider), shop()
    around = OpenTelemetryMiddleware(app, tracer_provider=provider, exclude_spans=["send"])
    undo = recording.telemetry.instrument(app)

    get(others)
    get(around)
    undo()
    get(around)

    scopes = [
        span.instrumentation_scope.name
        for span in recording.spans()
        if span.kind is SpanKind.SERVER
    ]
    contrib = "opentelemetry.instrumentation.asgi"
    assert scopes == [contrib, "otel_flow.asgi", contrib]
