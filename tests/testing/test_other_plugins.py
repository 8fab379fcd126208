"""The fixtures beside plugins that run tests on other processes and on event loops."""

import pytest

from tests.environments import environment


pytestmark = [pytest.mark.fidelity, pytest.mark.services]

APPLICATION = """
import asyncio

import otel_flow

from fastapi import FastAPI


def create_app():
    app = FastAPI()
    otel_flow.configure(service_name="shop").instrument(app)

    @app.get("/items/{item_id}")
    async def item(item_id: int):
        await asyncio.sleep(0)
        return await looked_up(item_id)

    return app


@otel_flow.traced(arguments=["item_id"])
async def looked_up(item_id):
    return item_id
"""

TESTS = """
import asyncio

import httpx
import pytest

from shop import create_app


async def ask(*paths):
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        await asyncio.gather(*map(client.get, paths))


def check(recorded, count):
    assert len(recorded.spans("GET /items/{item_id}")) == count
    assert [span["attributes"]["item_id"] for span in recorded.spans("looked_up")] == [*range(count)]
    duration = recorded.point("http.server.request.duration", http__route="/items/{item_id}")
    assert duration["count"] == len(recorded.logs("otel_flow.http.request")) == count
    assert min(span["span_id"] for span in recorded.spans()) == f"{1:016x}"


@pytest.mark.asyncio
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_under_pytest_asyncio(recorded_telemetry, count):
    await ask(*(f"/items/{number}" for number in range(count)))
    check(recorded_telemetry, count)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_under_anyio(recorded_telemetry, count):
    await ask(*(f"/items/{number}" for number in range(count)))
    check(recorded_telemetry, count)
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_loops_and_processes_of_other_plugins(pytester, options):
    """Under pytest-asyncio, AnyIO and pytest-xdist each test has its own telemetry, and all of it."""
    pytester.makepyfile(shop=APPLICATION, test_shop=TESTS)
    python = environment("pytest-xdist", "pytest-asyncio")
    result = pytester.run(python, "-m", "pytest", "-p", "no:randomly", *options)

    result.assert_outcomes(passed=6)
