"""Wrong settings and wrong backends: one clear message, and the application serves on."""

import contextlib
import http.server
import json
import signal
import socket
import threading

import httpx
import pytest

import otel_flow

from tests.e2e.conftest import BIN, SECONDS, address_in, serving
from tests.stack.query import poll_until


NOWHERE = "http://127.0.0.1:9"
WRAPPER = BIN / "opentelemetry-instrument"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_FLOW_SHUTDOWN_TIMEOUT": "300"}
ONLY_TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

WRONG = {
    "endpoint without scheme": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
        ["OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318: expected a URL with scheme and host"],
    ),
    "unknown protocol": (
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/xml"},
        ["OTEL_EXPORTER_OTLP_PROTOCOL=http/xml: expected one of http/protobuf, grpc"],
    ),
    "unreadable certificate": (
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such.pem",
        },
        ["OTEL_EXPORTER_OTLP_CERTIFICATE=/no/such.pem: expected a readable file"],
    ),
    "malformed headers": (
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization s3cret"},
        ["OTEL_EXPORTER_OTLP_HEADERS=***: expected a list like key1=value1,key2=value2"],
    ),
    "sampler argument out of range": (
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"},
        ["OTEL_TRACES_SAMPLER_ARG=1.5: expected a number from 0 to 1"],
    ),
    "unknown exporter": (
        {"OTEL_TRACES_EXPORTER": "zipkinn"},
        ["OTEL_TRACES_EXPORTER=zipkinn: expected one of otlp, console, none"],
    ),
    "negative timeout": (
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "-5"},
        ["OTEL_EXPORTER_OTLP_TIMEOUT=-5: expected a whole number of milliseconds, 0 or more"],
    ),
    "two problems": (
        {"OTEL_TRACES_EXPORTER": "zipkinn", "OTEL_EXPORTER_OTLP_TIMEOUT": "-5"},
        ["OTEL_TRACES_EXPORTER=zipkinn: expected", "OTEL_EXPORTER_OTLP_TIMEOUT=-5: expected"],
    ),
    "bad percent escape": (
        {"OTEL_RESOURCE_ATTRIBUTES": "a=%zz"},
        ["OTEL_RESOURCE_ATTRIBUTES=a=%zz: expected percent escapes of two hexadecimal digits"],
    ),
}


@pytest.fixture
def served(tmp_path):
    """Serve one request under the wrapper; what was printed, once *until* stands there."""

    def serve(until="", **environ):
        output = tmp_path / "stdout"

        def said():
            return output.read_text() + output.with_suffix(".err").read_text()

        with serving(NOWHERE, output, "shop", WRAPPER, **SOON, **environ) as process:
            status = httpx.get(f"{address_in(output)}/items/1").status_code
            poll_until(lambda: until in said(), SECONDS, until)
        assert (status, process.returncode) == (200, -signal.SIGTERM)
        return said().splitlines()

    return serve


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_one_message_and_the_app_serves_untraced(case, served):
    """Every problem is named once, under one heading, and the request is answered."""
    environ, problems = WRONG[case]

    lines = served(**environ)

    start = next(number for number, line in enumerate(lines) if "telemetry is off" in line)
    said = lines[start : start + 1 + len(problems)]
    plural = "s" * (len(problems) > 1)
    assert said[0] == f"otel-flow: telemetry is off. {len(problems)} configuration problem{plural}:"
    assert all(line.startswith(f"  - {p}") for line, p in zip(said[1:], problems, strict=True))
    assert sum("expected" in line for line in lines) == len(problems)
    assert "s3cret" not in "\n".join(lines)


@pytest.mark.parametrize("case", WRONG)
def test_the_same_raises_from_configure(case, monkeypatch):
    """In code the same problems are one `ConfigError`, and nothing is configured."""
    environ, problems = WRONG[case]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(otel_flow.ConfigError) as caught:
        otel_flow.configure()

    found = sorted(map(str, caught.value.problems))
    assert all(text.startswith(p) for text, p in zip(found, sorted(problems), strict=True))


def test_an_unknown_name_is_a_warning_with_the_nearest_known_one(served):
    """A misspelt variable of ours is told, and telemetry runs."""
    expected = "OTEL_FLOW_LOG_FORMATT is not known; did you mean OTEL_FLOW_LOG_FORMAT?"

    lines = served(OTEL_FLOW_LOG_FORMATT="json")

    (warning,) = [json.loads(line) for line in lines if "LOG_FORMATT" in line]
    assert (warning["level"], warning["event"]) == ("warning", expected)


@contextlib.contextmanager
def answering(status, body, **headers):
    """A server that answers every request alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((302, b"", {"location": "https://login.example/"}), "HTTP 302"),
        ((500, b"boom", {}), "HTTP 500"),
        ((200, b"<html>", {"content_type": "text/html"}), "an HTML page instead of an OTLP answer"),
    ],
    ids=["302", "500", "HTML"],
)
def test_a_wrong_answer_is_told_once(answer, reason, served):
    """A backend that answers wrongly is one line with address and reason; the app serves on."""
    status, body, headers = answer
    with answering(status, body, **headers) as endpoint:
        said = f"traces to {endpoint}/v1/traces dropped: 1 ({reason})"

        lines = served(said, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **ONLY_TRACES)

    assert sum("/v1/traces" in line for line in lines) == 1
    assert not [line for line in lines if "Traceback" in line]


def test_an_absent_collector_is_told_once(served):
    """Nobody listening is one line with address and reason; what waits is named at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"
    said = f"traces to {endpoint}/v1/traces fail (ConnectionRefusedError"

    lines = served(said, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **ONLY_TRACES)

    assert sum("/v1/traces" in line for line in lines) == 1
    assert sum("left behind at shutdown: 1 span" in line for line in lines) == 1
    assert not [line for line in lines if "Traceback" in line]
