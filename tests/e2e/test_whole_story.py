"""One request through two processes, a cache, a database and a queue is one story."""

import json
import sqlite3

import httpx
import pytest

from tests.e2e.conftest import BIN, SECONDS, address_in, serving
from tests.instrumentation.celery.workers import (
    keys,
    total,
    trace_ids,
    tree,
    wait_until,
    worker,
)


pytestmark = pytest.mark.services

TREE = {
    "": ["POST /items/{item_id}/orders"],
    "POST /items/{item_id}/orders": ["GET", "SELECT prices", "SELECT stock", "send story.pack"],
    "send story.pack": ["process story.pack"],
    "process story.pack": ["DEL", "SELECT packages"],
}
LINES = {
    "dependency.line": "POST /items/{item_id}/orders",
    "endpoint.line": "POST /items/{item_id}/orders",
    "otel_flow.http.request": "POST /items/{item_id}/orders",
    "task.structlog": "process story.pack",
    "task.logger": "process story.pack",
}
"""Event of a line → the span that wrote it."""


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "story.db"
    with sqlite3.connect(path) as connection:
        for table, column in (("stock", "pieces"), ("prices", "price"), ("packages", "name")):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column})")
            connection.execute(f"INSERT INTO {table} VALUES (1, 7)")
    connection.close()
    return str(path)


@pytest.fixture(params=["explicit", "wrapper"])
def story(request, receiver, redis_url, database, tmp_path):
    """What two processes told the receiver and their pipes of a probe and one request."""
    wrapped = request.param == "wrapper"
    environ = {
        "STORY_REDIS": redis_url,
        "STORY_DATABASE": database,
        "EXPLICIT": "" if wrapped else "1",
    }
    output = tmp_path / "stdout"
    with (
        worker(
            *("--concurrency", "1"),
            endpoint=receiver.endpoint,
            broker=redis_url,
            module="tests.e2e.story:tasks",
            wrapped=wrapped,
            **environ,
        ) as running,
        serving(
            receiver.endpoint,
            output,
            "story-web",
            *((BIN / "opentelemetry-instrument",) if wrapped else ()),
            app="story:app",
            **environ,
        ),
    ):
        with httpx.Client(base_url=address_in(output), timeout=SECONDS) as client:
            assert client.get("/healthz").status_code == 200
            answer = client.post("/items/1/orders", headers={"X-Request-ID": "ticket-7"})
        wait_until(
            lambda: any(span.name == "process story.pack" for span in receiver.spans()), "the task"
        )
        running.stop()
        written = running.stdout()
    return receiver, answer, (output.read_text() + written).splitlines()


def test_one_request_is_one_story(story):
    """Request, queries, cache and task are one trace, with one request id on each of its lines."""
    receiver, answer, written = story
    spans = {span.name: span for span in receiver.spans()}

    assert answer.json() == {"pieces": 7, "price": 7, "request_id": "ticket-7"}
    assert answer.headers["x-request-id"] == "ticket-7"
    assert tree(receiver.spans()) == TREE
    assert len(trace_ids(receiver.spans())) == 1
    assert len(spans) == len(receiver.spans())
    assert spans["process story.pack"].kind == 5
    assert total(receiver, "http.server.request.duration") == 1
    assert total(receiver, "messaging.process.duration") == 1

    records = [r for r in receiver.records() if r.body.string_value in LINES]
    assert {r.body.string_value: r.span_id for r in records} == {
        event: spans[name].span_id for event, name in LINES.items()
    }
    assert len(records) == len(LINES)
    assert {keys(r.attributes)["request_id"] for r in records} == {"ticket-7"}
    told = [json.loads(line) for line in written if line.startswith("{")]  # Celery has a banner
    lines = [line for line in told if line["event"] in LINES]
    assert {line["event"]: line["span_id"] for line in lines} == {
        event: spans[name].span_id.hex() for event, name in LINES.items()
    }
    assert len(lines) == len(LINES)
    assert {line["request_id"] for line in lines} == {"ticket-7"}
