"""The application of the tests: published to by them, run by workers in processes of their own."""

import json
import os
import pathlib
import signal
import time

import structlog

from celery import Celery, chord
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger
from opentelemetry import baggage

import otel_flow

from otel_flow import measure


log = structlog.get_logger("shop.tasks")
task_log = get_task_logger("shop.tasks")


def add(left, right):
    log.info("structlog.line")
    task_log.info("task.logger.line")
    return left + right


def double(number):
    return 2 * number


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
    log.info("nap.begins")
    time.sleep(seconds)


def oversleep():
    time.sleep(60)


def vanish():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    raise SystemExit(3)


def spawn(self):
    self.app.tasks["shop.add"].delay(1, 1)


def conduct(self):
    tasks = self.app.tasks
    chord([tasks["shop.add"].s(1, 2), tasks["shop.double"].s(4)])(tasks["shop.total"].s())


def speak():
    print("printed.line")


def remember():
    structlog.contextvars.bind_contextvars(order=17)
    measure.user("alice")
    log.info("remember.line")


TASKS = {
    add: {},
    double: {},
    total: {},
    context: {},
    fail: {},
    refuse: {"throws": (KeyError,)},
    flaky: {"bind": True, "max_retries": 1},
    reject: {"acks_late": True},
    ignore: {},
    nap: {},
    oversleep: {"time_limit": 0.3},
    vanish: {},
    leave: {},
    spawn: {"bind": True},
    conduct: {"bind": True},
    speak: {},
    remember: {},
}


def build(broker, backend=None, **settings):
    """An application of its own with all the tasks, under ``shop.<name>``."""
    app = Celery("shop", broker=broker, backend=backend, set_as_current=False)
    options = {"polling_interval": 0.05, "max_retries": 1, "interval_start": 0}
    app.conf.update(
        {"broker_connection_retry_on_startup": True, "broker_transport_options": options},
        **settings,
    )
    for function, task_options in TASKS.items():
        app.task(name=f"shop.{function.__name__}", shared=False, **task_options)(function)
    return app


def folders(path):
    """Options of the filesystem transport with its queues under *path*."""
    for name in ("queues", "control"):
        (pathlib.Path(path) / name).mkdir(exist_ok=True)
    return {
        "data_folder_in": f"{path}/queues",
        "data_folder_out": f"{path}/queues",
        "control_folder": f"{path}/control",
        "polling_interval": 0.05,
    }


if bound := os.environ.get("SHOP_BINDS"):
    structlog.contextvars.bind_contextvars(worker=bound)
if broker_url := os.environ.get("SHOP_BROKER"):
    app = build(broker_url, os.environ.get("SHOP_BACKEND"), **json.loads(os.environ["SHOP_CONF"]))
    if os.environ.get("SHOP_CONFIGURES"):
        otel_flow.configure(service_name="shop", log_format="json").instrument(app)
