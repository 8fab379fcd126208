"""The route of a request: the template that matched, whatever is mounted in what."""

import asyncio

import httpx
import pytest

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from otel_flow.instrumentation.asgi import Middleware
from tests.recording import Recording


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


def get(app, path, **options):
    async def ask():
        transport = httpx.ASGITransport(app, **options)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            await client.get(path)

    asyncio.run(ask())


async def answer(_request):
    return PlainTextResponse("yes")


@pytest.mark.parametrize("outer", [FastAPI, Starlette])
@pytest.mark.parametrize("inner", [FastAPI, Starlette])
def test_mounts_in_mounted_applications(recording, outer, inner):
    """The route has every mount in it, parameters as names, and so has that of what matched none."""

    app = outer()
    deeper = Router(routes=[Mount("/more", routes=[Route("/leaf", answer)])])
    mounts = [
        Mount("/deep", routes=[Route("/leaf/{x}", answer)]),
        Mount("/deeper/{a}", app=deeper),
    ]
    app.mount("/at/{tenant}", inner(routes=mounts))
    recording.telemetry.instrument(app)

    for path in ("deep/leaf/1", "deeper/2/more/leaf", "deeper/2/more/none", "deeper/2/none"):
        get(app, f"/at/acme/{path}")

    assert [span.attributes["http.route"] for span in recording.spans()] == [
        "/at/{tenant}/deep/leaf/{x}",
        "/at/{tenant}/deeper/{a}/more/leaf",
        "/at/{tenant}/deeper/{a}/more/{path}",
        "/at/{tenant}/deeper/{a}/{path}",
    ]


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_what_is_mounted_out_of_sight_has_the_route_that_is_known(recording, kind):
    """Below a middleware that hides its application a route is what is known of it, never the path."""

    below = Starlette(routes=[Mount("/tenants/{t}", routes=[Route("/leaf", answer)])])

    async def hiding(scope, receive, send):
        await below(scope, receive, send)

    app = kind()
    app.mount("/hidden", hiding)
    recording.telemetry.instrument(app)

    get(app, "/hidden/tenants/acme/leaf")

    assert [span.name for span in recording.spans()] == ["GET /hidden/{path}"]


def included():
    """A FastAPI application whose routers include others."""
    app, outer, inner = FastAPI(), APIRouter(prefix="/items"), APIRouter(prefix="/parts")
    outer.get("/{item}")(lambda item: item)
    inner.get("/{part}")(lambda part: part)
    outer.include_router(inner, prefix="/of/{item}")
    app.include_router(outer, prefix="/api/{version}")
    return app


def test_included_routers_of_a_mounted_application(recording):
    """What FastAPI includes and what Starlette mounts around it are all in the route."""
    app = Starlette(routes=[Mount("/shop/{tenant}", app=included())])
    recording.telemetry.instrument(app)

    for path in ("items/3", "items/of/3/parts/4", "none"):
        get(app, f"/shop/acme/api/v1/{path}")

    assert [span.attributes["http.route"] for span in recording.spans()] == [
        "/shop/{tenant}/api/{version}/items/{item}",
        "/shop/{tenant}/api/{version}/items/of/{item}/parts/{part}",
        "/shop/{tenant}/{path}",
    ]


def test_the_middleware_finds_routes_of_frameworks_that_it_knows(recording):
    """An application of FastAPI's or Starlette's in other hands has its routes without a function for them."""
    around = Starlette(routes=[Mount("/shop/{tenant}", app=included())])
    for app, path in ((included(), "/api/v1/items/3"), (around, "/shop/acme/api/v1/items/3")):
        get(Middleware(app, telemetry=recording.telemetry), path)

    assert [span.name for span in recording.spans()] == [
        "GET /api/{version}/items/{item}",
        "GET /shop/{tenant}/api/{version}/items/{item}",
    ]


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_the_root_that_a_server_is_told_belongs_to_the_route(recording, kind):
    """Behind a proxy that serves the application below a path, routes begin with it."""

    app = kind(routes=[Route("/own/{x}", answer)])
    app.mount("/at/{tenant}", Starlette(routes=[Route("/leaf", answer)]))
    recording.telemetry.instrument(app)

    for path in ("/proxy/own/1", "/proxy/at/acme/leaf"):
        get(app, path, root_path="/proxy")

    names = [span.name for span in recording.spans()]
    assert names == ["GET /proxy/own/{x}", "GET /proxy/at/{tenant}/leaf"]
