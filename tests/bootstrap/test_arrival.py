"""Libraries are instrumented when a program imports them, and cost nothing before."""

import sys

import pytest

from tests.bootstrap.test_configure import run
from tests.bootstrap.test_wrapper import WRAPPER
from tests.distributions import install


EXPLICIT = (sys.executable, "-c")
WRAPPED = (WRAPPER, sys.executable, "-c")

LIBRARIES = (
    "fastapi",
    "starlette.applications",
    "sqlalchemy",
    "redis",
    "celery.app",
    "httpx",
    "requests",
)

CONFIGURED = """
import sys
import otel_flow
telemetry = otel_flow.configure(service_name="shop", log_format="json")
if telemetry.starter == "application":
    undo = telemetry.instrument()
"""

WORK = """
import asyncio

def work():
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    import sqlalchemy

    async def one(_request):
        with sqlalchemy.create_engine("sqlite://").connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
        return PlainTextResponse("1")

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(_message):
        pass

    scope = {"type": "http", "method": "GET", "path": "/one", "headers": [], "query_string": b""}
    asyncio.run(Starlette(routes=[Route("/one", one)])(scope, receive, send))
"""


@pytest.mark.parametrize("command", [EXPLICIT, WRAPPED], ids=["configure", "wrapper"])
def test_nothing_is_imported_that_the_program_does_not_import(receiver, command):
    """To instrument everything imports no library; what is imported later is recorded."""
    program = f"""
{CONFIGURED}
early = [name for name in {LIBRARIES} if name in sys.modules]
{WORK}
work()
assert "otel_flow.instrumentation.redis" not in sys.modules
print("early", early)
"""
    done = run(program, receiver.endpoint, command)

    assert done.returncode == 0, done.stderr
    assert "early []" in done.stdout
    assert [span.name for span in receiver.spans()] == ["SELECT", "GET /one"]


def test_the_undo_holds_for_what_comes_later(receiver):
    """After the undo, a library that is imported is left as it is; instrumented anew, it is recorded."""
    done = run(
        f"{CONFIGURED}\nundo()\n{WORK}\nwork()\ntelemetry.instrument()\nwork()\n",
        receiver.endpoint,
    )

    assert done.returncode == 0, done.stderr
    assert [span.name for span in receiver.spans()] == ["SELECT", "GET /one"]


def test_the_undo_of_an_instrumentor_holds_for_what_comes_later(receiver):
    """An instrumentor that was taken back before its library came does nothing when it comes."""
    done = run(
        f"""
{CONFIGURED}
from otel_flow.instrumentation.instrumentors import SQLAlchemyInstrumentor
SQLAlchemyInstrumentor().uninstrument()
{WORK}
work()
""",
        receiver.endpoint,
        WRAPPED,
    )

    assert done.returncode == 0, done.stderr
    assert [span.name for span in receiver.spans()] == ["GET /one"]


@pytest.mark.parametrize("command", [EXPLICIT, WRAPPED], ids=["configure", "wrapper"])
def test_a_library_that_cannot_be_instrumented_is_one_line(receiver, command, tmp_path):
    """A library in a version that nobody has seen is named, and its import goes on."""
    install(tmp_path, "loguru", modules={"loguru/__init__.py": "shape = 'another'"})
    done = run(
        f"{CONFIGURED}\nimport loguru\nprint(loguru.shape)\n{WORK}\nwork()\n",
        receiver.endpoint,
        command,
        PYTHONPATH=str(tmp_path),
        OTEL_FLOW_LOG_FORMAT="json",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("loguru is not instrumented: AttributeError") == 1
    assert "another" in done.stdout
    assert [span.name for span in receiver.spans()] == ["SELECT", "GET /one"]


@pytest.mark.parametrize("command", [EXPLICIT, WRAPPED], ids=["configure", "wrapper"])
def test_a_library_that_comes_with_what_its_adapter_changes(receiver, command):
    """An import in the middle of which the library arrives is waited for, and changed at its end."""
    done = run(
        f"""
{CONFIGURED}
import kombu.transport.redis
assert hasattr(kombu.transport.redis.Channel._get_pool, "__wrapped__"), "broker"
from opentelemetry.instrumentation.celery import CeleryInstrumentor
CeleryInstrumentor().instrument()
from opentelemetry.instrumentation.redis import RedisInstrumentor
""",
        receiver.endpoint,
        command,
        OTEL_FLOW_LOG_FORMAT="json",
    )

    assert done.returncode == 0, done.stderr
    assert "contrib's Celery instrumentation is left out" in done.stdout
    assert "is not instrumented" not in done.stdout
