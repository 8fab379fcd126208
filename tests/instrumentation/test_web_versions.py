"""The same promises with the oldest versions of the web frameworks and of Celery that we support."""

import subprocess

from importlib.metadata import version

import pytest

from tests.environments import environment, run_tests
from tests.stack.build import ROOT


pytestmark = [pytest.mark.fidelity, pytest.mark.services]

CONTRIB = "opentelemetry-instrumentation-asgi"
HERE = "tests/instrumentation"


def test_oldest_fastapi_and_starlette():
    """All tests of HTTP servers pass with FastAPI 0.110 and Starlette 0.37."""
    paths = ("fastapi", "routes", "never_twice", "http_servers", "any_asgi")
    failures = run_tests(
        *(f"{HERE}/test_{name}.py" for name in paths),
        requirements=("fastapi==0.110.3", "starlette==0.37.2"),
    )

    assert failures is None, failures


def test_oldest_celery():
    """All tests of Celery pass with 5.5 and the kombu and redis-py of its time."""
    failures = run_tests(
        f"{HERE}/celery", requirements=("celery==5.5.0", "kombu==5.5.2", "redis==5.2.1")
    )

    assert failures is None, failures


def test_httpx2():
    """All tests of outgoing requests pass with httpx2 in the place of httpx."""
    failures = run_tests(
        *("-p", "tests.instrumentation.aliased", f"{HERE}/test_outgoing.py"),
        requirements=("httpx2",),
    )

    assert failures is None, failures


CONTRIB_STARLETTE = """
import asyncio, sys
import httpx
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from otel_flow.instrumentation import starlette
from tests.recording import Recording

async def one(_request):
    return PlainTextResponse("1")

async def ask(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
        await client.get("/one")

recording = Recording(access_log=False)
options = {"tracer_provider": recording.telemetry.tracer_provider}
for order in ("contrib first", "ours first"):
    app = Starlette(routes=[Route("/one", one)])
    if order == "contrib first":
        StarletteInstrumentor.instrument_app(app, **options)
    starlette.instrument(app, telemetry=recording.telemetry)
    if order == "ours first":
        StarletteInstrumentor.instrument_app(app, **options)
    asyncio.run(ask(app))
print([(span.instrumentation_scope.name, span.name) for span in recording.spans()])
"""


def test_contrib_for_starlette():
    """Contrib's Starlette instrumentation, before and after ours, adds no span."""
    python = environment(f"opentelemetry-instrumentation-starlette=={version(CONTRIB)}")
    done = subprocess.run(
        [python, "-c", CONTRIB_STARLETTE], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert done.stdout.splitlines()[-1:] == [str([("otel_flow.asgi", "GET /one")] * 2)], done.stderr
