"""Celery under contrib's instrumentation and under ours."""

from __future__ import annotations

import contextlib
import time

from typing import Any

from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Reject

from tests.differences.side import step


TITLE = "Celery"
AGAINST = "`opentelemetry-instrumentation-celery`"


def build() -> Celery:
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(worker_hijack_root_logger=False)

    @app.task(name="shop.add", shared=False)
    def add(left, right):
        return left + right

    @app.task(name="shop.fail", shared=False)
    def fail():
        raise ValueError("no such luck")

    @app.task(name="shop.flaky", shared=False, bind=True, max_retries=1)
    def flaky(self):
        if self.request.retries == 0:
            raise self.retry(exc=ConnectionError("away"), countdown=0)

    @app.task(name="shop.reject", shared=False, acks_late=True)
    def reject():
        raise Reject("unwanted", requeue=False)

    return app


def run(side: str, providers: Any, notes: dict[str, str]) -> None:
    app = build()
    if side == "ours":
        providers.instrument(app)
    else:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument(**providers)
    tasks = app.tasks
    with start_worker(app, pool="solo", perform_ping_check=False):
        with step("delay"):
            tasks["shop.add"].delay(1, 2).get(timeout=30)
        with step("fail"), contextlib.suppress(ValueError):
            tasks["shop.fail"].delay().get(timeout=30)
        with step("retry"):
            tasks["shop.flaky"].delay().get(timeout=30)
        with step("unknown"):
            app.send_task("elsewhere.work", queue="elsewhere")
        with step("reject"):
            tasks["shop.reject"].delay()
        with step("last"):
            tasks["shop.add"].delay(1, 2).get(timeout=30)
        time.sleep(0.2)  # the span ends after the result is there


def tree(name):
    def read(arrived):
        return " → ".join(f"{span.kind} `{span.name}`" for span in arrived.spans(name))

    return read


def ran(arrived, name):
    return arrived.spans(name, "CONSUMER")


def state(name):
    def read(arrived):
        span = ran(arrived, name)[0]
        found = span.attributes.get("celery.task.state") or span.attributes.get("celery.state")
        events = span.events.count("exception")
        failed = "error" if span.failed else "no error"
        return f"`{found or 'no state'}`, {failed}, {events} span event{'' if events == 1 else 's'}"

    return read


def unknown(arrived):
    (span,) = arrived.spans("unknown", "PRODUCER")
    place = span.attributes.get("messaging.destination.name") or span.attributes.get(
        "messaging.destination"
    )
    return f"`{span.name}`, destination {place or 'unknown'}"


def durations(arrived):
    for metric in ("messaging.process.duration", "flower.task.runtime.seconds"):
        if points := arrived.points(metric):
            return f"`{metric}`, {points[0]['bounds'][0]:g} to {points[0]['bounds'][-1]:g}"
    return "none"


def waited(arrived):
    return "yes" if arrived.points("celery.task.queue_time") else "no"


def outcomes(arrived):
    found = {point["celery.task.state"] for point in arrived.points("celery.task.outcomes")}
    return ", ".join(sorted(found)) or "none"


ROWS = [
    ("`delay()`", tree("delay")),
    ("A task that fails", state("fail")),
    ("A task that is tried again", tree("retry")),
    ("Its first run", state("retry")),
    ("A task that rejects its message", state("reject")),
    ("`send_task` of a name that is not registered", unknown),
    ("Durations and their buckets", durations),
    ("Time that tasks wait in the queue", waited),
    ("Outcomes that are counted", outcomes),
    (
        "Metrics of tasks",
        lambda arrived: ", ".join(arrived.metric_names("celery.task", "messaging", "flower")),
    ),
]
