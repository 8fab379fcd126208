"""
The depth of queues: asked of the broker by one process of a service on a host.

Each queue has a post, and whoever knows the queue applies for it, workers and publishers
alike: the depth is worth most when no worker is left. A plain ``LLEN`` would not see
messages with priorities, which Redis keeps in lists of their own; a passive declaration does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import weakref

from typing import TYPE_CHECKING, Any

from billiard import current_process
from opentelemetry.metrics import Observation

from otel_flow.delivery.suppression import suppressed
from otel_flow.instrumentation.celery.metrics import SCOPE
from otel_flow.names import celery as names
from otel_flow.process.bell import Bell
from otel_flow.process.election import Election
from otel_flow.process.fork import on_fork


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from celery import Celery
    from opentelemetry.metrics import CallbackOptions

    from otel_flow.instrumentation.celery.broker import Broker
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")

TIMEOUT = 2.0
"""Seconds that a broker has to answer each step; nobody waits but the thread that asks."""

_MOST = 100
"""Queues of an application that are asked for."""

_TIMEOUTS: dict[str, dict[str, float]] = {
    "redis": {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT},
    "rabbitmq": {"read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
}

Counts = dict[str, tuple[int, int]]
"""Name of a queue → messages and consumers."""


def count(app: Celery, broker: Broker, queues: Iterable[str]) -> Counts:
    """Return what the broker knows of *queues*; raises what kombu raises."""
    found: Counts = {}
    options = _TIMEOUTS.get(broker.system)
    with app.connection_for_read(connect_timeout=TIMEOUT, transport_options=options) as connection:
        connection.connect()
        for name in queues:
            # RabbitMQ closes the channel on which a queue was not found.
            with connection.channel() as channel:
                try:
                    answer = channel.queue_declare(queue=name, passive=True)
                except connection.channel_errors:
                    found[name] = (0, 0)
                else:
                    found[name] = (answer.message_count, answer.consumer_count)
    return found


class QueueWatch:
    """One application's queues: the posts we hold, the thread that asks, and the last answer."""

    def __init__(
        self, app: Celery, broker: Broker, queues: Sequence[str] | None, *, service: str
    ) -> None:
        self._app = weakref.ref(app)
        self._queues = queues
        self._service = service
        self._posts: dict[str, Election] = {}
        self._ours: list[str] = []
        self._ended: Bell | None = None
        self._warned = False
        self._counts: Counts = {}
        self.broker = broker

    def counts(self) -> Counts:
        """Return the last answer for the queues that are ours."""
        return {name: found for name, found in list(self._counts.items()) if name in self._ours}

    def refresh(self, interval: float) -> None:
        """Apply for the posts that are free, and have a thread ask every *interval* seconds."""
        app = self._app()
        # The worker itself is there as long as the processes of its pool.
        if app is None or current_process().daemon:
            return
        known = list(app.amqp.queues) if self._queues is None else self._queues
        self._ours = [name for name in known[:_MOST] if self._post(name).is_elected()]
        if self._ours and self._ended is None:
            self._start(interval)
        elif not self._ours:
            self._end()

    def _post(self, name: str) -> Election:
        found = self._posts.get(name)
        if found is None:
            at = f"{self.broker.system}/{self.broker.address}:{self.broker.port}"
            found = self._posts[name] = Election(self._service, f"celery-queue/{at}/{name}")
        return found

    def _start(self, interval: float) -> None:
        ended = Bell()
        thread = threading.Thread(
            target=self._ask_on,
            args=(interval, ended),
            name="otel-flow-celery-queues",
            daemon=True,
        )
        # No new threads at the interpreter's exit in Python 3.12.0 to 3.12.2 (cpython#113964):
        # then it is too late to ask.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._ended = ended

    def _ask_on(self, interval: float, ended: Bell) -> None:
        while (app := self._app()) is not None:
            self._counts = self._ask(app)
            del app
            if ended.wait(interval):
                return

    def _ask(self, app: Celery) -> Counts:
        # A broker that does not answer leaves a gap, not an old number.
        try:
            with suppressed():
                counts = count(app, self.broker, self._ours)
        except Exception as error:
            if not self._warned:
                logger.warning("the depth of queues is not known: %s", error)
            self._warned = True
            return {}
        self._warned = False
        return counts

    def _end(self) -> None:
        if self._ended is not None:
            self._ended.ring()
            self._ended = None

    def stop(self) -> None:
        """Ask no more and leave the posts to others."""
        self._end()
        self.forget()

    def forget(self) -> None:
        """Start anew, as in a forked child: the posts and the thread are the parent's."""
        self._ended = None
        self._ours = []
        for post in self._posts.values():
            post.resign()


class QueueDepths:
    """The queues that one telemetry reports."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._service = str(telemetry.resource.attributes.get("service.name", ""))
        self._interval = telemetry.settings.metric_interval
        self._watches: weakref.WeakKeyDictionary[Any, QueueWatch] = weakref.WeakKeyDictionary()
        weakref.finalize(self, on_fork(child=_forgetting(self._watches))).atexit = False
        meter = telemetry.meter_provider.get_meter(SCOPE)
        for metric, observe in (
            (names.QUEUE_MESSAGES, self._messages),
            (names.QUEUE_CONSUMERS, self._consumers),
        ):
            meter.create_observable_up_down_counter(
                metric.name, callbacks=[observe], unit=metric.unit, description=metric.brief
            )

    def watches(self, app: Celery) -> bool:
        """Return whether the queues of *app* are reported, where it is our turn."""
        return app in self._watches

    def watch(self, app: Celery, broker: Broker, queues: Sequence[str] | None = None) -> None:
        """Report *queues*, by default all that *app* knows, where it is our turn."""
        if app not in self._watches and queues != ():
            self._watches[app] = QueueWatch(app, broker, queues, service=self._service)

    def stop(self) -> None:
        """Report no queues."""
        for watch in list(self._watches.values()):
            watch.stop()
        self._watches.clear()

    def _messages(self, _options: CallbackOptions) -> Iterable[Observation]:
        watches = list(self._watches.values())
        for watch in watches:
            watch.refresh(self._interval)
        return [
            Observation(messages, _attributes(watch.broker, name))
            for watch in watches
            for name, (messages, _) in watch.counts().items()
        ]

    def _consumers(self, _options: CallbackOptions) -> Iterable[Observation]:
        # kombu's own transports answer 0 because they cannot know.
        return [
            Observation(consumers, _attributes(watch.broker, name))
            for watch in list(self._watches.values())
            if watch.broker.system == "rabbitmq"
            for name, (_, consumers) in watch.counts().items()
        ]


def _forgetting(watches: Mapping[Any, QueueWatch]) -> Callable[[], None]:
    def forget() -> None:
        for watch in list(watches.values()):
            watch.forget()

    return forget


def _attributes(broker: Broker, name: str) -> dict[str, str]:
    return {"messaging.system": broker.system, "messaging.destination.name": name}


_depths: weakref.WeakKeyDictionary[Any, QueueDepths] = weakref.WeakKeyDictionary()


def queues_of(telemetry: Telemetry) -> QueueDepths:
    """Return the queues of *telemetry*; all its applications share the instruments."""
    found = _depths.get(telemetry)
    if found is None:
        found = _depths[telemetry] = QueueDepths(telemetry)
    return found
