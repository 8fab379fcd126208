"""The same under ``opentelemetry-instrument``, with no code changed."""

import json
import sys

from pathlib import Path

import pytest

from tests.bootstrap.test_configure import run
from tests.distributions import install


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


INSTRUMENTORS = """
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor


class Good(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ()

    def _instrument(self, **_keywords):
        print("good is instrumented")

    def _uninstrument(self, **_keywords):
        pass


class Failing(Good):
    def _instrument(self, **_keywords):
        raise LookupError("in a version nobody has seen")


class Broken(Good):
    def _instrument(self, **_keywords):
        import opentelemetry.gone


class Absent(Good):
    def _instrument(self, **_keywords):
        import a_library_that_is_not_installed
"""


def test_a_failing_instrumentor_is_one_line_and_the_others_go_on(receiver, tmp_path):
    """What fails, or misses a part of OpenTelemetry, is named once; an absent library is not."""
    install(
        tmp_path,
        "instrumentors",
        modules={"instrumentors.py": INSTRUMENTORS},
        entry_points="""
            [opentelemetry_instrumentor]
            absent = instrumentors:Absent
            broken = instrumentors:Broken
            failing = instrumentors:Failing
            good = instrumentors:Good
        """,
    )
    done = run(
        PROGRAM,
        receiver.endpoint,
        (WRAPPER, sys.executable, "-c"),
        PYTHONPATH=str(tmp_path),
        OTEL_FLOW_LOG_FORMAT="json",
    )

    assert done.returncode == 0
    assert "good is instrumented" in done.stdout
    said = [line for line in done.stdout.splitlines() if "is not instrumented" in line]
    assert [json.loads(line)["event"] for line in said] == [
        "broken is not instrumented: ModuleNotFoundError: No module named 'opentelemetry.gone'",
        "failing is not instrumented: LookupError: in a version nobody has seen",
    ]
    assert [span.name for span in receiver.spans()] == ["work"]
