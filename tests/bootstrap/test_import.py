"""What importing otel_flow costs a program that does not use more of it."""

import subprocess
import sys

import pytest


FOREIGN = {
    *("fastapi", "starlette", "sqlalchemy", "redis", "celery", "kombu", "billiard", "django"),
    *("grpc", "pydantic", "httpx", "yaml", "prometheus_client", "uvicorn", "gunicorn"),
}
"""Installed here, every one; structlog loads rich and asyncio itself."""


@pytest.mark.parametrize(
    "program",
    ["import otel_flow", "import otel_flow; otel_flow.configure(service_name='shop')"],
    ids=["imported", "configured"],
)
def test_no_framework_and_no_grpc_is_loaded(program, receiver):
    """Neither the import nor `configure` loads a framework, grpc or another library's client."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_FLOW_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & FOREIGN == set()


NAMES = """
import sys
import otel_flow

assert "opentelemetry.sdk" not in sys.modules
assert set(otel_flow.__all__) == set(otel_flow._HOMES) <= set(dir(otel_flow))
from otel_flow import *

assert otel_flow.measure.timed is timed is otel_flow.timed
assert otel_flow.__version__
try:
    otel_flow.nothing
except AttributeError as error:
    print(error)
"""


def test_all_that_is_promised_is_there():
    """Each public name can be had from the package, and a wrong one is an AttributeError."""
    done = subprocess.run(
        [sys.executable, "-c", NAMES], capture_output=True, text=True, check=False
    )

    assert done.stdout == "module 'otel_flow' has no attribute 'nothing'\n", done.stderr
