"""The depth of queues: asked by one process of a service, and by the next when that ends."""

import contextlib
import os
import subprocess
import sys

import pytest

from kombu import Queue

from otel_flow.instrumentation import celery
from tests.instrumentation.celery.workers import ROOT, values, worker
from tests.recording import Recording
from tests.waiting import wait_until


pytestmark = pytest.mark.services

MESSAGES, CONSUMERS = "celery.queue.message.count", "celery.queue.consumer.count"

PUBLISHER = """
import sys, time
from tests.instrumentation.celery.shop import build
from tests.recording import Recording
broker, queue = sys.argv[1:]
recording = Recording()
app = build(broker, task_default_queue=queue)
recording.telemetry.instrument(app)
app.tasks["shop.add"].delay(1, 2)
asked = 0
while not recording.points("celery.queue.message.count"):
    time.sleep(0.05)
    asked += 1
    if asked == 30:
        print("has nothing to report", flush=True)
print("took over", flush=True)
"""


@pytest.fixture
def recording():
    """One that asks five times a second."""
    made = Recording(metric_interval=0.2)
    yield made
    made.close()


def depths(recording, metric=MESSAGES):
    return {
        point.attributes["messaging.destination.name"]: point.value
        for point in recording.points(metric)
    }


@pytest.fixture
def queue(tmp_path):
    """The name of a queue of the test's own."""
    return f"depth-{tmp_path.name}"


def test_messages_of_all_priorities_are_counted(recording, shop, redis_url, queue):
    """Redis keeps a list for each priority; the depth of the queue is that of all of them."""
    app = shop(redis_url, task_default_queue=queue)

    for priority in (0, 3, 6, 9):
        app.tasks["shop.add"].apply_async((1, 2), priority=priority)

    wait_until(lambda: depths(recording) == {queue: 4}, "the depth")
    assert depths(recording, CONSUMERS) == {}


def test_every_queue_of_an_application_is_asked_for(recording, shop, redis_url, queue):
    """Queues that the application declares are reported, empty and unknown ones as 0."""
    names = [queue, f"{queue}-mail", f"{queue}-never"]
    app = shop(redis_url, task_default_queue=queue, task_queues=[Queue(name) for name in names])

    app.tasks["shop.add"].delay(1, 2)
    app.tasks["shop.add"].apply_async((1, 2), queue=names[1])
    app.tasks["shop.add"].apply_async((1, 2), queue=names[1])

    wait_until(lambda: depths(recording) == dict(zip(names, (1, 2, 0), strict=True)), "the depths")


def test_rabbitmq_knows_its_consumers(recording, shop, rabbitmq_url, queue, receiver):
    """RabbitMQ tells messages and consumers of a queue, also of one that is not declared yet."""
    conf = {"task_default_queue": queue}
    app = shop(rabbitmq_url, **conf)
    recording.telemetry.instrument(app)
    app.tasks["shop.add"].delay(1, 2)
    wait_until(lambda: depths(recording) == {queue: 1}, "the depth")
    assert depths(recording, CONSUMERS) == {queue: 0}

    with worker("--pool", "solo", endpoint=receiver.endpoint, broker=rabbitmq_url, conf=conf):
        wait_until(lambda: depths(recording, CONSUMERS) == {queue: 1}, "the worker")
        wait_until(lambda: depths(recording) == {queue: 0}, "the message to be taken")


def test_one_process_asks_and_another_takes_over(recording, shop, redis_url, queue):
    """While one process reports a queue no other does; when it ends, the next one goes on."""
    app = shop(redis_url, task_default_queue=queue)
    app.tasks["shop.add"].delay(1, 2)
    wait_until(lambda: depths(recording) == {queue: 1}, "the depth")

    with subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, redis_url, queue],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        try:
            told = iter(line.strip() for line in other.stdout if line[0] != "{")
            assert next(told) == "has nothing to report"
            wait_until(lambda: depths(recording) == {queue: 2}, "the other's message")

            celery.uninstrument(app)

            assert next(told) == "took over"
            assert depths(recording) == {}
        finally:
            with contextlib.suppress(ProcessLookupError):
                other.kill()


def test_what_a_worker_is_doing(receiver, shop, redis_url, queue):
    """A worker reports itself, its pool, and the tasks that run, that it took and that it holds."""
    conf = {"task_default_queue": queue, "worker_prefetch_multiplier": 4}
    app = shop(redis_url, None, **conf)
    expected = {
        "celery.worker.count": [1],
        "celery.worker.pool.size": [1],
        "celery.worker.task.active": [1],
        "celery.worker.task.prefetched": [2],
        "celery.worker.task.scheduled": [1],
    }

    with worker(
        *("--concurrency", "1"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf=conf,
        OTEL_METRIC_EXPORT_INTERVAL="200",
    ) as running:
        app.tasks["shop.add"].apply_async((1, 2), countdown=600)
        naps = [app.tasks["shop.nap"].delay(300) for _ in range(3)]
        wait_until(
            lambda: {name: list(values(receiver, name).values()) for name in expected} == expected,
            "the worker's numbers",
        )
        for nap in naps:
            nap.revoke(terminate=True)
        wait_until(
            lambda: list(values(receiver, "celery.worker.task.active").values()) == [0], "the end"
        )
        running.stop()

    assert list(values(receiver, "celery.worker.count").values()) == [0]
