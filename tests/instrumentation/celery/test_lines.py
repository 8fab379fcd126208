"""What tasks and workers log: once on stdout, once as a record, with the ids of the right task."""

import collections
import json

import pytest

from otel_flow.correlation import bind_request_id, unbind_request_id
from tests.instrumentation.celery.workers import keys, worker
from tests.waiting import wait_until


pytestmark = pytest.mark.services

OWN = {"structlog.line", "task.logger.line", "printed.line", "remember.line"}


def told(receiver):
    """Event → (task, its span) of each record, of what tasks and the worker say about tasks."""
    spans = {span.span_id: span.name for span in receiver.spans()}
    found = collections.defaultdict(list)
    for record in receiver.records():
        event = record.body.string_value
        if event in OWN:
            found[event].append(spans.get(record.span_id))
        elif event.startswith("Task shop."):
            found[event.split("[")[0] + event.split("]")[1].split(" in ")[0]].append(None)
    return found


@pytest.mark.parametrize(
    "pool",
    [
        "prefork wrapped",
        *(
            pytest.param(pool, marks=pytest.mark.fidelity)
            for pool in ("prefork", "threads", "solo", "solo wrapped", "gevent wrapped")
        ),
    ],
)
def test_every_line_once(receiver, recording, shop, redis_url, pool):
    """Lines of tasks, of `get_task_logger`, of `print` and of the worker are each one and one."""
    pool, *wrapped = pool.split()
    conf = {"task_default_queue": f"lines-{pool}-{len(wrapped)}"}
    app = shop(redis_url, None, **conf)
    bound = bind_request_id("ticket-7")

    with worker(
        *("--pool", pool, "--concurrency", "1"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf=conf,
        wrapped=bool(wrapped),
    ) as running:
        try:
            app.tasks["shop.remember"].delay()
            app.tasks["shop.add"].delay(1, 2)
            app.tasks["shop.speak"].delay()
        finally:
            unbind_request_id(bound)
        wait_until(
            lambda: sum(s.name.startswith("process ") for s in receiver.spans()) == 3, "the tasks"
        )
        running.stop()
        lines = [json.loads(line) for line in running.stdout().splitlines() if line[:1] == "{"]

    events = collections.Counter(line["event"] for line in lines if line["event"] in OWN)
    assert events == dict.fromkeys(OWN, 1)
    assert told(receiver) == {
        "remember.line": ["process shop.remember"],
        "structlog.line": ["process shop.add"],
        "task.logger.line": ["process shop.add"],
        "printed.line": ["process shop.speak"],
        **{f"Task shop.{name} received": [None] for name in ("remember", "add", "speak")},
        **{f"Task shop.{name} succeeded": [None] for name in ("remember", "add", "speak")},
    }

    of_tasks = [line for line in lines if line["event"] in OWN]
    assert {line["request_id"] for line in of_tasks} == {"ticket-7"}
    assert {line["event"]: line["celery.task.name"] for line in of_tasks} == {
        "remember.line": "shop.remember",
        "structlog.line": "shop.add",
        "task.logger.line": "shop.add",
        "printed.line": "shop.speak",
    }
    of_worker = [line for line in lines if line["event"].startswith("Task shop.")]
    published = {span.context.trace_id for span in recording.spans()}
    assert {int(line["trace_id"], 16) for line in of_worker} == published


def test_what_a_task_binds_ends_with_it(receiver, shop, redis_url):
    """What one task binds is not on the lines of the next; what its worker has bound is on all."""
    conf = {"task_default_queue": "bound"}
    app = shop(redis_url, None, **conf)

    with worker(
        *("--pool", "prefork", "--concurrency", "1"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf=conf,
        SHOP_BINDS="blue",
    ):
        app.tasks["shop.remember"].delay()
        app.tasks["shop.add"].delay(1, 2)
        wait_until(
            lambda: sum(s.name.startswith("process ") for s in receiver.spans()) == 2, "the tasks"
        )

    records = {r.body.string_value: keys(r.attributes) for r in receiver.records()}
    assert {"order": 17, "user.id": "alice"}.items() <= records["remember.line"].items()
    assert {"order", "user.id"}.isdisjoint(records["structlog.line"])
    assert {"order", "user.id"}.isdisjoint(records["task.logger.line"])
    assert records["remember.line"]["worker"] == records["structlog.line"]["worker"] == "blue"
