"""One trace from the publisher through real brokers to real workers, whatever pool they have."""

import collections
import signal

import pytest

from celery import chain, group

from tests.instrumentation.celery.shop import folders
from tests.instrumentation.celery.workers import (
    keys,
    total,
    trace_ids,
    tree,
    values,
    wait_until,
    worker,
)


pytestmark = pytest.mark.services


@pytest.fixture
def broker(request, tmp_path):
    """The URL of a broker, and the settings for a queue of the test's own on it."""
    conf = {"task_default_queue": f"queue-{tmp_path.name}"}
    if request.param == "filesystem":
        return "filesystem://", {**conf, "broker_transport_options": folders(tmp_path)}
    return request.getfixturevalue(f"{request.param}_url"), conf


def finished(receiver, count, what="tasks to end"):
    """Wait until *count* runs of tasks have arrived."""
    wait_until(
        lambda: sum(s.name.startswith("process ") for s in receiver.spans()) >= count, what, 60
    )


@pytest.mark.parametrize(
    ("broker", "pool"),
    [
        ("redis", "prefork"),
        ("rabbitmq", "prefork wrapped"),
        ("rabbitmq", "threads"),
        ("filesystem", "solo"),
        ("redis", "gevent wrapped"),
    ],
    indirect=["broker"],
)
def test_one_trace(receiver, recording, shop, broker, pool):
    """What a span publishes, in every way there is, is one trace with the right parents."""
    (url, conf), (pool, *wrapped) = broker, pool.split()
    app = shop(url, None, **conf)
    tasks, tracer = app.tasks, recording.telemetry.tracer_provider.get_tracer("test")

    with worker(
        *("--pool", pool, "--concurrency", "2"),
        endpoint=receiver.endpoint,
        broker=url,
        wrapped=bool(wrapped),
        conf=conf,
    ):
        with tracer.start_as_current_span("caller"):
            tasks["shop.add"].delay(1, 2)
            tasks["shop.add"].apply_async((1, 2), countdown=0.01)
            chain(tasks["shop.add"].s(1, 2), tasks["shop.double"].s()).delay()
            group(tasks["shop.context"].s(), tasks["shop.context"].s()).delay()
            tasks["shop.flaky"].delay()
            tasks["shop.spawn"].delay()
        finished(receiver, 10)

    spans = recording.spans() + receiver.spans()
    assert len(trace_ids(spans)) == 1
    found = collections.Counter(span.name for span in receiver.spans())
    assert found == {
        "process shop.add": 4,
        "process shop.double": 1,
        "process shop.context": 2,
        "process shop.flaky": 2,
        "process shop.spawn": 1,
        "send shop.add": 1,
        "send shop.double": 1,
        "send shop.flaky": 1,
    }
    assert tree(spans) == {
        "": ["caller"],
        "caller": [
            *["send shop.add"] * 3,
            *["send shop.context"] * 2,
            "send shop.flaky",
            "send shop.spawn",
        ],
        "send shop.add": ["process shop.add"] * 4,
        "send shop.context": ["process shop.context"] * 2,
        "send shop.flaky": ["process shop.flaky"] * 2,
        "send shop.spawn": ["process shop.spawn"],
        "send shop.double": ["process shop.double"],
        "process shop.add": ["send shop.double"],
        "process shop.spawn": ["send shop.add"],
        "process shop.flaky": ["send shop.flaky"],
    }
    assert total(receiver, "celery.task.outcomes", celery_task_state="success") == 9
    assert total(receiver, "celery.task.outcomes", celery_task_state="retry") == 1
    assert total(receiver, "messaging.process.duration") == 10
    assert total(receiver, "celery.task.queue_time") == 10


def test_a_chord_is_one_trace(receiver, recording, shop, redis_url):
    """The body of a chord is published by the part of its header that ended last."""
    app = shop(redis_url, None, task_default_queue="chords")

    with worker(
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf={"task_default_queue": "chords"},
        SHOP_BACKEND=redis_url,
    ):
        app.tasks["shop.conduct"].delay()
        finished(receiver, 4)

    spans = recording.spans() + receiver.spans()
    found = tree(spans)
    (last,) = [name for name, children in found.items() if "send shop.total" in children]
    assert len(trace_ids(spans)) == 1
    assert found["process shop.conduct"] == ["send shop.add", "send shop.double"]
    assert last in {"process shop.add", "process shop.double"}
    assert found["send shop.total"] == ["process shop.total"]


ENDINGS = {
    "add": ("success", None),
    "fail": ("failure", "ValueError"),
    "refuse": ("failure", "KeyError"),
    "reject": ("rejected", None),
    "ignore": ("ignored", None),
    "leave": ("failure", "SystemExit"),
    "vanish": ("failure", "billiard.exceptions.WorkerLostError"),
    "oversleep": ("failure", "billiard.exceptions.TimeLimitExceeded"),
}
"""Task → the state it ends in and its error."""


def outcomes(receiver):
    """How often each task came to each end: (task, state, error)."""
    ends = collections.Counter()
    for (*_, labels), number in values(receiver, "celery.task.outcomes").items():
        has = dict(labels)
        task = has["celery.task.name"].removeprefix("shop.")
        ends[task, has["celery.task.state"], has.get("error.type")] += number
    return ends


def test_every_end_of_a_task_is_counted_once(receiver, recording, shop, redis_url):
    """A run that fails, is refused, killed, timed out or revoked is one outcome and one span."""
    app = shop(redis_url, None, task_default_queue="endings")
    tasks = app.tasks
    expected = {
        **{(name, *ending): 1 for name, ending in ENDINGS.items()},
        ("add", "revoked", None): 1,
        ("_OTHER", "unknown", None): 1,
    }

    with worker(
        *("--concurrency", "2"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf={"task_default_queue": "endings"},
        OTEL_METRIC_EXPORT_INTERVAL="200",
    ):
        tasks["shop.add"].apply_async((1, 2), expires=-1)
        app.send_task("elsewhere.work")
        for name in ENDINGS:
            tasks[f"shop.{name}"].apply_async((1, 2) if name == "add" else ())
            # A process that is killed takes along what it has not yet exported.
            wait_until(lambda: outcomes(receiver)[name, *ENDINGS[name]], f"the end of {name}", 60)  # noqa: B023

    spans = {s.name.removeprefix("process shop."): s for s in receiver.spans()}
    assert outcomes(receiver) == expected
    ran = collections.Counter(span.name for span in receiver.spans())
    assert ran == {f"process shop.{name}": 1 for name in ENDINGS}
    for name, (state, error) in ENDINGS.items():
        attributes = keys(spans[name].attributes)
        failed = error is not None and name != "refuse"
        assert attributes["celery.task.state"] == state
        assert attributes.get("error.type") == error
        assert spans[name].status.code == (2 if failed else 0), name
        assert [event.name for event in spans[name].events] == ["exception"] * failed
        assert "celery.task.queue_time" in attributes
    raised = [keys(record.attributes).get("exception.type") for record in receiver.records()]
    assert raised.count("ValueError") == 1


def active(app):
    """The ids of the tasks of which the worker knows that they run."""
    found = app.control.inspect().active() or {}
    return [task["id"] for tasks in found.values() for task in tasks]


@pytest.mark.parametrize("how", ["revoke", "cold stop", "warm stop"])
def test_a_task_that_is_cut_off(receiver, recording, shop, redis_url, how):
    """A process that is ended in a task delivers what it had, and the worker tells of the task."""
    app = shop(redis_url, None, task_default_queue="naps")

    with worker(
        *("--concurrency", "1"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf={"task_default_queue": "naps"},
    ) as running:
        app.tasks["shop.add"].delay(1, 2)
        nap = app.tasks["shop.nap"].delay(1 if how == "warm stop" else 60)
        wait_until(
            lambda: "nap.begins" in [r.body.string_value for r in receiver.records()], "the nap"
        )
        # Celery's cold stop waits for the end of a task that has begun without the worker's knowing.
        wait_until(lambda: how == "warm stop" or nap.id in active(app), "the worker to know")
        if how == "revoke":
            nap.revoke(terminate=True)
            finished(receiver, 2)
        elif how == "cold stop":
            running.process.send_signal(signal.SIGQUIT)
            running.process.wait(30)

    state = {"revoke": "revoked", "cold stop": "retry", "warm stop": "success"}[how]
    ends = {s.name: keys(s.attributes)["celery.task.state"] for s in receiver.spans()}
    assert outcomes(receiver) == {("add", "success", None): 1, ("nap", state, None): 1}
    assert ends == {"process shop.add": "success", "process shop.nap": state}
    assert len(receiver.spans()) == 2
