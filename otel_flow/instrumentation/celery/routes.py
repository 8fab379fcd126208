"""Tasks and where they go: what the messages of each have in common, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from otel_flow.instrumentation.celery.broker import destination
from otel_flow.otlp.constant import Constant
from otel_flow.providers.prepared import constant


if TYPE_CHECKING:
    from opentelemetry.context import Context

    from otel_flow.instrumentation.celery.broker import Broker
    from otel_flow.instrumentation.celery.metrics import TaskMetrics
    from otel_flow.providers.prepared import Prepared


_REMEMBERED = 1024
"""Tasks, and combinations of task and destination, that are kept; those beyond are made anew."""


class Sending(NamedTuple):
    """What the span of publishing one task begins with, before it is known where the task goes."""

    name: str
    attributes: Prepared


class Route:
    """
    One task and its destination, over one broker.

    *address* and *processing* are attributes of spans: what publishing adds once the
    destination is known, and what the run of the task begins with.
    """

    __slots__ = (
        "_outcomes",
        "_process_duration",
        "_queue_time",
        "_send_duration",
        "_sent",
        "address",
        "name",
        "processing",
    )

    def __init__(
        self, metrics: TaskMetrics, broker: Broker, task: str, place: str, routing_key: str | None
    ) -> None:
        self.name = f"process {task}"
        named = {"celery.task.name": task}
        placed = {"messaging.destination.name": place} if place else {}
        address = dict(placed)
        if routing_key and place != routing_key:
            address["messaging.rabbitmq.destination.routing_key"] = routing_key
        self.address = Constant(address)
        self.processing = Constant(
            {
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                **named,
                **broker.attributes(),
                **placed,
            }
        )
        operation = {**broker.attributes(), **placed, **named}
        # The broker's address belongs to operations on it only.
        point = {"messaging.system": broker.system, **placed, **named}
        sending = {**operation, "messaging.operation.name": "send"}
        self._sent = metrics.sent(sending)
        self._send_duration = metrics.send_duration({**sending, "messaging.operation.type": "send"})
        self._process_duration = metrics.process_duration(
            {**operation, "messaging.operation.name": "process"}
        )
        self._queue_time = metrics.queue_time(point)
        self._outcomes = metrics.outcomes(point)

    def sent(self, seconds: float, error_type: str | None, context: Context | None) -> None:
        """Record that the task was published, or could not be, in *seconds*."""
        if error_type is None:
            self._sent.plain.add(1, context)
            self._send_duration.plain.record(seconds, context)
            return
        self._sent.of(error_type).add(1, context)
        self._send_duration.of(error_type).record(seconds, context)

    def waited(self, seconds: float, context: Context | None = None) -> None:
        """Record that the task waited for *seconds* until it began."""
        self._queue_time.plain.record(seconds, context)

    def processed(
        self, seconds: float, error_type: str | None, context: Context | None = None
    ) -> None:
        """Record that the task ran for *seconds*."""
        duration = self._process_duration
        handle = duration.plain if error_type is None else duration.of(error_type)
        handle.record(seconds, context)

    def ended(
        self, state: str, error_type: str | None = None, context: Context | None = None
    ) -> None:
        """Record that a run of the task ended in *state*, or did not begin because of it."""
        self._outcomes.of(error_type, state).add(1, context)


class Routes:
    """The tasks and destinations of one application over one broker, as many as are kept."""

    def __init__(self, metrics: TaskMetrics, broker: Broker) -> None:
        self.broker = broker
        self._metrics = metrics
        self._sendings: dict[str, Sending] = {}
        self._routes: dict[tuple[str, str, str | None], Route] = {}

    def sending(self, task: str) -> Sending:
        """Return what the span of publishing *task* begins with."""
        found = self._sendings.get(task)
        if found is None:
            attributes = {
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "celery.task.name": task,
                **self.broker.attributes(),
            }
            found = Sending(f"send {task}", constant(attributes))
            _keep(self._sendings, task, found)
        return found

    def of(self, task: str, exchange: Any = None, routing_key: str | None = None) -> Route:
        """Return the route of *task* through *exchange*, a name or kombu's, with *routing_key*."""
        name = exchange if type(exchange) is str else getattr(exchange, "name", "")
        key = (task, name, routing_key)
        found = self._routes.get(key)
        if found is None:
            place = destination(name, routing_key)
            found = Route(self._metrics, self.broker, task, place, routing_key)
            _keep(self._routes, key, found)
        return found


def _keep(known: dict[Any, Any], key: object, made: object) -> None:
    if len(known) < _REMEMBERED:
        known[key] = made
