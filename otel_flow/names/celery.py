"""Names of Celery (semantic conventions: messaging, in development; where they end, ``celery.``)."""

from __future__ import annotations

from otel_flow.names.http import ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT
from otel_flow.names.model import Attribute, Metric, Span


SYSTEM = Attribute(
    name="messaging.system",
    type="string",
    brief="The broker: rabbitmq, redis, aws_sqs or the transport's own name.",
    stability="development",
)
OPERATION_NAME = Attribute(
    name="messaging.operation.name",
    type="string",
    brief="send where a task is published, process where it runs.",
    stability="development",
)
OPERATION_TYPE = Attribute(
    name="messaging.operation.type",
    type="string",
    brief="The same as the name of the operation.",
    stability="development",
)
DESTINATION = Attribute(
    name="messaging.destination.name",
    type="string",
    brief="The queue, or exchange:routing key where an exchange was named.",
    stability="development",
)
ROUTING_KEY = Attribute(
    name="messaging.rabbitmq.destination.routing_key",
    type="string",
    brief="The routing key, where an exchange was named.",
    stability="development",
)
MESSAGE_ID = Attribute(
    name="messaging.message.id",
    type="string",
    brief="The id of the task, on spans and log records.",
    stability="development",
)
TASK_NAME = Attribute(
    name="celery.task.name",
    type="string",
    brief="The name of the task; _OTHER for one that the worker does not know.",
    stability="otel_flow",
)
TASK_STATE = Attribute(
    name="celery.task.state",
    type="string",
    brief="success, failure, retry, revoked, rejected, ignored, unknown or internal_error.",
    stability="otel_flow",
)
TASK_RETRIES = Attribute(
    name="celery.task.retries",
    type="int",
    brief="How often the task was tried before; absent the first time.",
    stability="otel_flow",
)
TASK_EAGER = Attribute(
    name="celery.task.eager",
    type="boolean",
    brief="The task ran where it was called, without a broker; absent otherwise.",
    stability="otel_flow",
)
RETRY_REASON = Attribute(
    name="celery.task.retry.reason",
    type="string",
    brief="The class of the exception for which the task is tried again.",
    stability="otel_flow",
)
WAITED = Attribute(
    name="celery.task.queue_time",
    type="double",
    brief="Seconds between the publishing of a task, or its ETA, and its start, on spans.",
    stability="otel_flow",
)

DURATION_BUCKETS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
)
"""Bucket bounds for tasks, in seconds: they run for minutes where a request runs for seconds."""

QUEUE_TIME_BUCKETS = (*DURATION_BUCKETS, 1800.0, 3600.0)

_SENT = (OPERATION_NAME, SYSTEM, DESTINATION, TASK_NAME, ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT)
_TASK = (SYSTEM, DESTINATION, TASK_NAME)

SENT_MESSAGES = Metric(
    name="messaging.client.sent.messages",
    unit="{message}",
    instrument="counter",
    brief="Number of tasks that were published, or could not be.",
    attributes=_SENT,
    stability="development",
)
SEND_DURATION = Metric(
    name="messaging.client.operation.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of publishing a task.",
    attributes=(*_SENT, OPERATION_TYPE),
    buckets=DURATION_BUCKETS,
    stability="development",
)
PROCESS_DURATION = Metric(
    name="messaging.process.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of running a task.",
    attributes=(OPERATION_NAME, *_TASK, ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT),
    buckets=DURATION_BUCKETS,
    stability="development",
)
OUTCOMES = Metric(
    name="celery.task.outcomes",
    unit="{task}",
    instrument="counter",
    brief="Number of runs of tasks by the state they ended in; a retry is a run of its own.",
    attributes=(*_TASK, TASK_STATE, ERROR_TYPE),
    stability="otel_flow",
)
QUEUE_TIME = Metric(
    name="celery.task.queue_time",
    unit="s",
    instrument="histogram",
    brief="Time between the publishing of a task, or its ETA, and its start.",
    attributes=_TASK,
    buckets=QUEUE_TIME_BUCKETS,
    stability="otel_flow",
)
QUEUE_MESSAGES = Metric(
    name="celery.queue.message.count",
    unit="{message}",
    instrument="updowncounter",
    brief="Messages that wait in a queue, of all priorities; to be aggregated by max.",
    attributes=(SYSTEM, DESTINATION),
    observed=True,
    stability="otel_flow",
)
QUEUE_CONSUMERS = Metric(
    name="celery.queue.consumer.count",
    unit="{consumer}",
    instrument="updowncounter",
    brief="Consumers of a queue, where the broker knows them; to be aggregated by max.",
    attributes=(SYSTEM, DESTINATION),
    observed=True,
    stability="otel_flow",
)
WORKERS = Metric(
    name="celery.worker.count",
    unit="{worker}",
    instrument="updowncounter",
    brief="Workers that are running.",
    observed=True,
    stability="otel_flow",
)
POOL_SIZE = Metric(
    name="celery.worker.pool.size",
    unit="{slot}",
    instrument="updowncounter",
    brief="Tasks that a worker can run at a time.",
    observed=True,
    stability="otel_flow",
)
ACTIVE_TASKS = Metric(
    name="celery.worker.task.active",
    unit="{task}",
    instrument="updowncounter",
    brief="Tasks that a worker is running.",
    observed=True,
    stability="otel_flow",
)
PREFETCHED_TASKS = Metric(
    name="celery.worker.task.prefetched",
    unit="{task}",
    instrument="updowncounter",
    brief="Tasks that a worker has taken from the broker and not begun.",
    observed=True,
    stability="otel_flow",
)
SCHEDULED_TASKS = Metric(
    name="celery.worker.task.scheduled",
    unit="{task}",
    instrument="updowncounter",
    brief="Tasks that a worker holds until their ETA.",
    observed=True,
    stability="otel_flow",
)

_MESSAGE = (
    OPERATION_NAME,
    OPERATION_TYPE,
    SYSTEM,
    DESTINATION,
    MESSAGE_ID,
    TASK_NAME,
    ERROR_TYPE,
    SERVER_ADDRESS,
    SERVER_PORT,
)

SEND = Span(
    name="send {celery.task.name}",
    kind="PRODUCER",
    brief="A task is published.",
    attributes=(*_MESSAGE, ROUTING_KEY),
    stability="development",
)
PROCESS = Span(
    name="process {celery.task.name}",
    kind="CONSUMER",
    brief="A task runs.",
    attributes=(*_MESSAGE, TASK_STATE, TASK_RETRIES, TASK_EAGER, RETRY_REASON, WAITED),
    stability="development",
)

SPANS = (SEND, PROCESS)
METRICS = (
    SENT_MESSAGES,
    SEND_DURATION,
    PROCESS_DURATION,
    OUTCOMES,
    QUEUE_TIME,
    QUEUE_MESSAGES,
    QUEUE_CONSUMERS,
    WORKERS,
    POOL_SIZE,
    ACTIVE_TASKS,
    PREFETCHED_TASKS,
    SCHEDULED_TASKS,
)
