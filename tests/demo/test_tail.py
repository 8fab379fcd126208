"""`otel-flow tail`: the user's own service, seen without a backend."""

import json
import signal
import subprocess
import sys

import pytest

from otel_flow.cli import main
from tests.bootstrap.test_configure import PROGRAM, run
from tests.demo.runs import COMMAND, environ
from tests.servers import free_port


MANY = """
import otel_flow
from opentelemetry import trace

telemetry = otel_flow.configure(service_name="shop")
for _ in range(150):
    with trace.get_tracer("t").start_as_current_span("burst"):
        pass
telemetry.shutdown()
"""


class Tail:
    """A running tail whose port is known."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*COMMAND, "tail", *arguments],
            env=environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def instructions(self):
        """Read what it says first, and return the variables that it tells to set."""
        stream = self.process.stderr if "--json" in self.process.args else self.process.stdout
        said = []
        for line in stream:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        text = "".join(said)
        pairs = [word.split("=", 1) for word in text.split() if word.startswith("OTEL_")]
        return text, dict(pairs)

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)
        self.out, self.err = self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def tail():
    started = []

    def start(*arguments):
        started.append(Tail(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_a_service_that_follows_the_instructions_is_seen(tail):
    """With the variables that are printed, a program's span and lines appear as a tree."""
    watching = tail("--port", str(free_port()))
    text, variables = watching.instructions()

    run(PROGRAM, **{"endpoint": variables.pop("OTEL_EXPORTER_OTLP_ENDPOINT"), **variables})

    assert watching.interrupt() == 0
    assert text.startswith("listening at http://127.0.0.1:")
    lines = [line.strip() for line in watching.out.splitlines()]
    assert any(line.startswith("work ") for line in lines)
    assert any(line.startswith("├─ INFO  early.event price=1.5") for line in lines)
    assert any(line.startswith("└─ ERROR std event") for line in lines)
    assert "1 spans, 3 log records" in watching.out


def test_json_lines(tail):
    """--json writes each span, point and record as a line; instructions go to stderr."""
    watching = tail("--port", "0", "--json")
    _, variables = watching.instructions()

    run(PROGRAM, variables["OTEL_EXPORTER_OTLP_ENDPOINT"])

    assert watching.interrupt() == 0
    items = [json.loads(line) for line in watching.out.splitlines()]
    (span,) = [item for item in items if item["signal"] == "span"]
    logs = [item for item in items if item["signal"] == "log"]
    assert (span["name"], span["service"]) == ("work", "shop")
    assert {item["trace_id"] for item in logs} == {span["trace_id"]}
    assert any(item["signal"] == "point" and item["name"] == "work.done" for item in items)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_stopping_by_sigterm_shows_what_is_left(tail, arguments):
    """SIGTERM ends it as Ctrl-C does; into a pipe every trace is written, as many as there are."""
    watching = tail("--port", "0", *arguments)
    _, variables = watching.instructions()

    run(MANY, variables["OTEL_EXPORTER_OTLP_ENDPOINT"])

    assert watching.interrupt(signal.SIGTERM) == 0
    marks = ("burst ", '{"signal": "span", ')
    assert sum(line.startswith(marks) for line in watching.out.splitlines()) == 150


def test_filters(tail):
    """What is not asked for is not shown."""
    watching = tail("--port", "0", "--json", "--severity", "error", "--service", "shop")
    _, variables = watching.instructions()

    run(PROGRAM, variables["OTEL_EXPORTER_OTLP_ENDPOINT"])

    watching.interrupt()
    items = [json.loads(line) for line in watching.out.splitlines()]
    assert [(item["signal"], item["body"]) for item in items] == [("log", "std event")]


def test_a_port_that_was_asked_for_is_taken(tail):
    """A taken port is an error with exit code 2; the default port only leads to another one."""
    port = str(free_port())
    first = tail("--port", port)
    first.instructions()

    second = tail("--port", port)
    _, err = second.process.communicate(timeout=30)

    assert second.process.returncode == 2
    assert err == f"otel-flow: tail: port {port} of 127.0.0.1 is taken\n"


def test_refusals_are_shown(tail):
    """A client that speaks something else is told, and so is the person who watches."""
    watching = tail("--port", "0", "--seconds", "60")
    _, variables = watching.instructions()
    code = "import http.client, sys; c = http.client.HTTPConnection(sys.argv[1]); c.request('GET', '/'); print(c.getresponse().status)"
    address = variables["OTEL_EXPORTER_OTLP_ENDPOINT"].removeprefix("http://")
    subprocess.run([sys.executable, "-c", code, address], check=True, capture_output=True)

    watching.interrupt()

    assert "refused: Unsupported method ('GET')" in watching.out


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--trace", "xyz"], ["--severity", "loud"]])
def test_wrong_use(arguments, capsys):
    """A port, an id or a severity that cannot be is exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["tail", *arguments])

    assert ended.value.code == 2
    assert arguments[1] in capsys.readouterr().err
