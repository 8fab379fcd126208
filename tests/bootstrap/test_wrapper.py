"""The same under ``opentelemetry-instrument``, with no code changed."""

import sys

from pathlib import Path

import pytest

from tests.bootstrap.test_configure import run


WRAPPER = str(Path(sys.executable).parent / "opentelemetry-instrument")

PROGRAM = """
import structlog
from opentelemetry import trace
with trace.get_tracer("t").start_as_current_span("work"):
    structlog.get_logger("app").info("event")
"""


@pytest.mark.parametrize(
    "selectors",
    [{}, {"OTEL_PYTHON_DISTRO": "otel_flow", "OTEL_PYTHON_CONFIGURATOR": "otel_flow"}],
    ids=["found", "selected"],
)
def test_the_wrapper_alone_delivers(receiver, selectors):
    """A program that knows nothing of telemetry has its spans and records delivered."""
    done = run(
        PROGRAM,
        receiver.endpoint,
        (WRAPPER, sys.executable, "-c"),
        OTEL_SERVICE_NAME="shop",
        OTEL_FLOW_LOG_FORMAT="json",
        **selectors,
    )

    assert done.returncode == 0
    assert [span.name for span in receiver.spans()] == ["work"]
    assert [record.body.string_value for record in receiver.records()] == ["event"]
    assert {r["service.name"] for r in receiver.resources()} == {"shop"}


def test_a_wrong_configuration_is_printed_once_and_the_app_runs(receiver):
    """Under the wrapper a bad variable costs the telemetry, not the application."""
    done = run(
        "print('served')",
        receiver.endpoint,
        (WRAPPER, sys.executable, "-c"),
        OTEL_TRACES_SAMPLER="sometimes",
    )

    assert (done.returncode, done.stdout) == (0, "served\n")
    assert done.stderr.count("OTEL_TRACES_SAMPLER") == 1


def test_configure_under_the_wrapper_gets_the_running_handle_and_one_warning(receiver):
    """An app that configures itself runs under the wrapper, too, and is told what had no effect."""
    done = run(
        """
        import otel_flow
        assert otel_flow.configure(service_name="other").settings.service_name == "shop"
        """,
        receiver.endpoint,
        (WRAPPER, sys.executable, "-c"),
        OTEL_SERVICE_NAME="shop",
        OTEL_FLOW_LOG_FORMAT="json",
    )

    assert done.returncode == 0
    assert done.stdout.count("without effect: service_name") == 1
