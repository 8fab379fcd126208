"""What is in the wheel, and what it does where nothing else is installed."""

import zipfile

from email.parser import Parser

import pytest

from tests.stack.build import ROOT
from tests.wheel.conftest import PROJECT


PROGRAM = """
import structlog
from opentelemetry import trace
with trace.get_tracer("t").start_as_current_span("work"):
    structlog.get_logger("app").info("event")
"""


def names_below(folder):
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_holds_the_package_and_nothing_else(wheel):
    """Every module and typing marker is in the wheel, no test and no tool."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert {name for name in names if "/collector_files/" not in name} == names_below("otel_flow")
    assert "otel_flow/py.typed" in names


def test_it_holds_what_runs_beside_the_services(wheel):
    """The files of collector/ and the compose file are carried, byte for byte."""
    archive = zipfile.ZipFile(wheel)
    carried = {
        name.removeprefix("otel_flow/collector_files/"): archive.read(name)
        for name in archive.namelist()
        if "/collector_files/" in name
    }

    sources = {name.removeprefix("collector/"): name for name in names_below("collector")}
    sources["docker-compose.yml"] = "docker-compose.yml"
    assert carried == {name: (ROOT / source).read_bytes() for name, source in sources.items()}


def test_its_metadata_is_complete(wheel):
    """Licence, Python versions and extras are what the project says."""
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    headers = Parser().parsestr(archive.read(metadata).decode())

    assert headers["License-Expression"] == "Apache-2.0"
    assert headers["Requires-Python"] == PROJECT["requires-python"]
    assert set(headers.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def test_the_command_runs(empty_environment):
    """`otel-flow` starts and names its version."""
    done = empty_environment.run("otel-flow", "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"otel-flow {PROJECT['version']} ")


@pytest.mark.parametrize(
    "selectors",
    [{}, {"OTEL_PYTHON_DISTRO": "otel_flow", "OTEL_PYTHON_CONFIGURATOR": "otel_flow"}],
    ids=["found", "selected"],
)
def test_the_wrapper_starts_and_delivers(empty_environment, receiver, selectors):
    """`opentelemetry-instrument` finds the entry points, selected or not, and everything arrives."""
    done = empty_environment.run(
        "opentelemetry-instrument",
        *(empty_environment.script("python"), "-c", PROGRAM),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
        OTEL_SERVICE_NAME="shop",
        **selectors,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans()] == ["work"]
    assert [record.body.string_value for record in receiver.records()] == ["event"]


def test_otel_flow_run_starts_and_delivers(empty_environment, receiver):
    """`otel-flow run` does the same with the entry points selected."""
    done = empty_environment.run(
        "otel-flow",
        *("run", "--", empty_environment.script("python"), "-c", PROGRAM),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans()] == ["work"]


def test_collector_init_writes_the_repositorys_files(empty_environment, tmp_path):
    """`otel-flow collector init` from the wheel gives a pip user what a clone has."""
    done = empty_environment.run("otel-flow", "collector", "init", tmp_path)

    written = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert done.returncode == 0
    assert written == {
        name: (ROOT / name).read_bytes()
        for name in names_below("collector") | {"docker-compose.yml"}
    }


def test_what_needs_an_extra_says_how_to_get_it(empty_environment):
    """A command whose package is missing prints the pip command in one line."""
    done = empty_environment.run("otel-flow", "collector", "config")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert 'pip install "otel-flow[collector]"' in done.stderr


def test_every_command_has_help(empty_environment):
    """`--help` of each command works without any extra, examples included."""
    commands = ("env", "run", "collector")

    for command in commands:
        done = empty_environment.run("otel-flow", command, "--help")
        assert (done.returncode, "examples:" in done.stdout, done.stderr) == (0, True, "")
