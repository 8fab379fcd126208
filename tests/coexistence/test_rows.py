"""Other instrumentations beside ours: who records, and that nobody records twice."""

import contextlib
import http.server
import json
import sys
import threading

from pathlib import Path

import pytest

from tests.bootstrap.test_configure import run
from tests.coexistence.page import PAGE, render
from tests.coexistence.programs import FASTAPI, PROMPT
from tests.coexistence.table import APART, ROWS
from tests.differences.arrived import KINDS
from tests.environments import environment
from tests.stack.build import ROOT


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers a chat completion with its prompt, everything else with an empty JSON object."""

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.answer(completion(body) if self.path.endswith("/chat/completions") else {})

    def answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def completion(body):
    """What OpenAI's API answers to a chat completion (its reference, "The chat completion object")."""
    message = {"role": "assistant", "content": json.loads(body)["messages"][0]["content"]}
    return {
        "id": "completion-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


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


def arrived(receiver):
    """Kind, name and scope of the spans."""
    return tuple(
        (KINDS[span.kind], span.name, scope.scope.name)
        for request in receiver.requests
        for resource in getattr(request, "resource_spans", ())
        for scope in resource.scope_spans
        for span in scope.spans
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
    assert arrived(receiver) == row.spans
    records = [record.body.string_value for record in receiver.records()]
    assert [records.count(body) for body in row.records] == [1] * len(row.records)
    assert set(row.metrics) <= receiver.metric_names()
    return done.stdout


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
    scopes = [scope for _, _, scope in arrived(receiver)]
    assert scopes == ["fastapi"] * len(scopes)
    assert scopes


@pytest.mark.fidelity
@pytest.mark.parametrize("row", APART, ids=[row.title for row in APART])
def test_nobody_records_twice_in_an_environment_of_its_own(row, receiver, request):
    """The same where contrib's instrumentation has an environment to itself; no prompt is kept."""
    printed = check(row, receiver, request, environment(*row.requirements))

    parents = {span.span_id: span.parent_span_id for span in receiver.spans()}
    assert sum(parent not in parents for parent in parents.values()) == 1
    assert PROMPT not in f"{receiver.requests}{printed}"


def test_the_page_is_printed_from_the_rows():
    """docs/coexistence.md is what ``python -m tests.coexistence.page`` writes."""
    assert PAGE.read_text() == render()
