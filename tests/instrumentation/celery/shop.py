"""The application of the tests: published to by them, run by workers in processes of their own."""

import os
import signal
import time

import structlog

from celery import Celery
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger
from opentelemetry import baggage

import otel_flow


log = structlog.get_logger("shop.tasks")
task_log = get_task_logger("shop.tasks")


def add(left, right):
    log.info("structlog.line")
    task_log.info("task.logger.line")
    return left + right


def total(numbers):
    return sum(numbers)


def context():
    return {"request_id": otel_flow.request_id(), "tenant": baggage.get_baggage("tenant")}


def fail():
    raise ValueError("no such luck")


def refuse():
    raise KeyError("expected")


def flaky(self):
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError("away"), countdown=0)
    return self.request.retries


def reject():
    raise Reject("unwanted", requeue=False)


def ignore():
    raise Ignore


def nap(seconds):
    time.sleep(seconds)


def vanish():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    raise SystemExit(3)


def spawn(self):
    self.app.tasks["shop.add"].delay(1, 1)


def speak():
    print("printed.line")


TASKS = {
    add: {},
    total: {},
    context: {},
    fail: {},
    refuse: {"throws": (KeyError,)},
    flaky: {"bind": True, "max_retries": 1},
    reject: {"acks_late": True},
    ignore: {},
    nap: {},
    vanish: {},
    leave: {},
    spawn: {"bind": True},
    speak: {},
}


def build(broker, backend=None, **settings):
    """An application of its own with all the tasks, under ``shop.<name>``."""
    app = Celery("shop", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_transport_options={"polling_interval": 0.05, "max_retries": 1, "interval_start": 0},
        **settings,
    )
    for function, options in TASKS.items():
        app.task(name=f"shop.{function.__name__}", shared=False, **options)(function)
    return app


if "SHOP_BROKER" in os.environ:
    app = build(os.environ["SHOP_BROKER"], os.environ.get("SHOP_BACKEND"))
    if os.environ.get("SHOP_CONFIGURES"):
        otel_flow.configure(service_name="shop", log_format="json").instrument(app)
