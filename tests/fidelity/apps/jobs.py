"""Celery tasks that do units of work, and a schedule that publishes them."""

import itertools
import os
import sys

from celery import Celery, signals
from unit import configured, unit


app = Celery("jobs", broker=os.environ["BROKER"])
app.conf.update(
    task_default_queue=os.environ["QUEUE"],
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.05, "visibility_timeout": 3600},
    worker_prefetch_multiplier=1,
    beat_schedule_filename=os.environ["QUEUE"],
    beat_schedule={"tick": {"task": "unit", "schedule": 0.1, "args": (0,)}},
    beat_max_loop_interval=0.1,
)
configured(app)
app.task(name="unit")(unit)

if "beat" in sys.argv:
    numbers = itertools.count()
    signals.after_task_publish.connect(lambda **_: unit(next(numbers)), weak=False)
