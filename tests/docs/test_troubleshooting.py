"""docs/troubleshooting.md: every symptom is brought about, and found by the lines that the page shows."""

import contextlib
import os
import re
import subprocess
import sys

from pathlib import Path

import pytest

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_flow.cli import main
from tests.delivery.backend import Backend
from tests.doctor.servers import grpc_server
from tests.servers import free_port
from tests.stack.build import ROOT


PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
BLOCK = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
SYMPTOMS = [
    "No spans",
    "No logs",
    "Doubled logs",
    "No correlation",
    "No metrics",
    "Wrong service name",
    "Collector refused",
]
SERVICE = Path(__file__).with_name("symptoms.py")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TOO_OLD = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
)


class Run:
    """What a backend took of the service, and what the service printed."""

    def __init__(self, backend, done):
        self.names = [span.name for span in backend.spans()]
        self.records = {}
        for record in backend.logs():
            self.records.setdefault(record.body.string_value, []).append(record)
        self.metrics = {metric.name for metric in backend.metrics()}
        self.resources = {
            pair.value.string_value
            for _, request in backend.accepted
            for group in getattr(request, "resource_spans", ())
            for pair in group.resource.attributes
            if pair.key == "service.name"
        }
        self.said = done.stdout + done.stderr


def sent_on(run):
    (record,) = run.records["sent on"]
    (headers,) = [pair.value for pair in record.attributes if pair.key == "headers"]
    return [value.string_value for value in headers.array_value.values]


def nothing(run):
    return not run.names and not run.records and not run.metrics


CASES = {
    "OTEL_TRACES_EXPORTER=none": (
        {"OTEL_TRACES_EXPORTER": "none"},
        lambda run: not run.names and run.records,
    ),
    "the sampler always_off": (
        {"OTEL_TRACES_SAMPLER": "always_off"},
        lambda run: not run.names and run.records,
    ),
    "OTEL_SDK_DISABLED=true": ({"OTEL_SDK_DISABLED": "true"}, nothing),
    "OTEL_TRACES_SAMPLER=dice": ({"OTEL_TRACES_SAMPLER": "dice"}, nothing),
    "OTEL_PYTHON_DISTRO=other": ({"OTEL_PYTHON_DISTRO": "other"}, None),
    "OTEL_LOGS_EXPORTER=none": (
        {"OTEL_LOGS_EXPORTER": "none"},
        lambda run: not run.records and run.names,
    ),
    "events below ERROR": (
        {"OTEL_FLOW_LOG_LEVEL": "ERROR"},
        lambda run: not run.records.keys() & {"in the span", "by stdlib"} and run.names,
    ),
    "opentelemetry-instrumentation-logging": (
        {},
        lambda run: len(run.records["by stdlib"]) == 2,
    ),
    "threads is not instrumented": (
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "threads"},
        lambda run: (
            run.records["in the span"][0].trace_id and not run.records["in a thread"][0].trace_id
        ),
    ),
    "no trace context": ({"OTEL_PROPAGATORS": "none"}, lambda run: sent_on(run) == []),
    "every 60 s": ({}, lambda run: "orders" in run.metrics),
    "OTEL_METRICS_EXPORTER=none": (
        {"OTEL_METRICS_EXPORTER": "none"},
        lambda run: not run.metrics and run.names,
    ),
    "metrics are sent as deltas": (
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
        None,
    ),
    "OTEL_SERVICE_NAME is not set": ({}, lambda run: run.resources == {"unknown_service:python"}),
    "OTEL_SERVICE_NAME=shop wins": (
        {"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=cart"},
        lambda run: run.resources == {"shop"},
    ),
    "nothing listens": ({}, lambda run: "ConnectionRefusedError" in run.said),
    "what comes back is no HTTP/1.1": ({}, lambda run: "BadStatusLine" in run.said),
    "answers HTTP 401": ({}, lambda run: "dropped: 1 (HTTP 401)" in run.said),
    "answers HTTP 404": (
        {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
        lambda run: "dropped: 1 (HTTP 404)" in run.said,
    ),
    "redirects": ({}, lambda run: "dropped: 1 (HTTP 302)" in run.said),
    "rejects what is in it": ({}, lambda run: "dropped: 1 (rejected)" in run.said),
}
"""What a block is about → the variables that bring it about, and how it shows."""

ANSWERS = {
    "answers HTTP 401": {"status": 401},
    "answers HTTP 404": {"status": 404},
    "redirects": {"status": 302, "headers": {"Location": "https://login.example/"}},
    "rejects what is in it": {"body": TOO_OLD.SerializeToString()},
}


def block_of(case):
    (block,) = [block for block in BLOCK.findall(PAGE) if case in block.splitlines()[0]]
    return block.splitlines()


def test_the_page_has_every_symptom():
    """Each symptom has its heading, and each block of lines is of one case."""
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == [*SYMPTOMS, "Not ours"]
    firsts = [block.splitlines()[0] for block in BLOCK.findall(PAGE)]
    assert [sum(case in first for case in CASES) for first in firsts] == [1] * len(CASES)


@contextlib.contextmanager
def serving(case):
    """The endpoint of *case*, and the backend behind it if it is one that takes data."""
    with contextlib.ExitStack() as stack:
        backend = Backend()
        stack.callback(backend.close)
        port = backend.port
        if case in ANSWERS:
            backend.refuse = lambda _request: ANSWERS[case]
        elif case == "nothing listens":
            port = free_port()
        elif case == "what comes back is no HTTP/1.1":
            port = stack.enter_context(grpc_server(lambda _context: b""))
        yield f"http://127.0.0.1:{port}", backend


@pytest.fixture
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("case", CASES)
def test_a_symptom_is_found_by_its_lines(case, clean, monkeypatch, capsys):
    """The service shows the symptom, and the doctor says what the page says."""
    variables, shows = CASES[case]
    with serving(case) as (endpoint, backend):
        own = case == "answers HTTP 404"
        variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" if own else ENDPOINT
        given = {variable: f"{endpoint}/v1" if own else endpoint, **variables}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        done = subprocess.run(
            [sys.executable, SERVICE, *(["--logging"] if "logging" in case else [])],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=120,
            check=False,
        )
        assert shows is None or shows(Run(backend, done)), done.stdout + done.stderr
        main(["doctor", "--timeout", "60"])

    printed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:4318", capsys.readouterr().out).splitlines()
    wanted = [re.escape(line).replace("…", ".*") for line in block_of(case)]
    found = [n for n, line in enumerate(printed) if re.fullmatch(wanted[0], line)]
    assert len(found) == 1, "\n".join(printed)
    said = printed[found[0] : found[0] + len(wanted)]
    assert all(re.fullmatch(want, line) for want, line in zip(wanted, said, strict=True)), said
