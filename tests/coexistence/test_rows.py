"""Other instrumentations beside ours: who records, and that nobody records twice."""

import contextlib
import http.server
import sys
import threading

from pathlib import Path

import pytest

from tests.bootstrap.test_configure import run
from tests.coexistence.page import PAGE, render
from tests.coexistence.programs import FASTAPI
from tests.coexistence.table import BOTOCORE, ROWS
from tests.differences.arrived import KINDS
from tests.environments import environment
from tests.stack.build import ROOT


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty JSON object."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def answering():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def arrived(receiver, *, inside):
    """Kind, name and scope of the spans, or of those *inside* the program's own span."""
    spans = [
        (span, scope.scope.name)
        for request in receiver.requests
        for resource in getattr(request, "resource_spans", ())
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    own = {span.span_id for span, _ in spans if span.name == "work"}
    return tuple(
        (KINDS[span.kind], span.name, scope)
        for span, scope in spans
        if span.parent_span_id in own or not inside
    )


def check(row, receiver, request, python=sys.executable):
    """Run the program of *row* and compare what it sent."""
    needed = {}
    with contextlib.ExitStack() as stack:
        if "postgres" in row.needs:
            needed["POSTGRES"] = request.getfixturevalue("postgres_url")
        if "django" in row.needs:
            needed["DJANGO_SETTINGS_MODULE"] = "tests.coexistence.site"
            needed["PYTHONPATH"] = str(ROOT)
        if "server" in row.needs:
            needed["SERVER"] = stack.enter_context(answering())
        wrapper = Path(python).parent / "opentelemetry-instrument"
        started = [str(wrapper)] if wrapper.exists() else [str(python), "-c", WRAPPER]
        done = run(
            row.program,
            receiver.endpoint,
            (*started, str(python), "-W", "ignore", "-c"),
            OTEL_SERVICE_NAME="shop",
            OTEL_FLOW_LOG_FORMAT="json",
            OTEL_FLOW_RUNTIME="none",
            **needed,
        )
    assert done.returncode == 0, done.stderr
    assert arrived(receiver, inside=row.inside) == row.spans
    records = [record.body.string_value for record in receiver.records()]
    assert [records.count(body) for body in row.records] == [1] * len(row.records)


WRAPPER = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"


@pytest.mark.parametrize("row", ROWS, ids=[row.title for row in ROWS])
def test_nobody_records_twice(row, receiver, request):
    """With contrib's instrumentations installed each operation has the one span of the table."""
    check(row, receiver, request)


@pytest.mark.parametrize("disabled", ["fastapi", "otel_flow_fastapi"])
def test_a_disabled_framework_is_nobody_elses(disabled, receiver):
    """Where FastAPI is switched off, our Starlette adapter leaves its applications alone, too."""
    done = run(
        FASTAPI,
        receiver.endpoint,
        (str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable, "-c"),
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=disabled,
        OTEL_FLOW_RUNTIME="none",
    )

    assert done.returncode == 0, done.stderr
    scopes = [scope for _, _, scope in arrived(receiver, inside=False)]
    assert scopes == ["fastapi"] * len(scopes)
    assert scopes


@pytest.mark.fidelity
def test_botocore(receiver, request):
    """botocore's instrumentation of contrib works beside ours, in an environment that has it."""
    python = environment("boto3", "opentelemetry-instrumentation-botocore")
    check(BOTOCORE, receiver, request, python)


def test_the_page_is_printed_from_the_rows():
    """docs/coexistence.md is what ``python -m tests.coexistence.page`` writes."""
    assert PAGE.read_text() == render()
