"""What the parts of this package record through: one for each telemetry."""

from __future__ import annotations

import functools
import logging

from typing import TYPE_CHECKING

from otel_flow.instrumentation.celery.broker import reading_broker, writing_broker
from otel_flow.instrumentation.celery.known import ByApplication
from otel_flow.instrumentation.celery.metrics import SCOPE, metrics_of
from otel_flow.instrumentation.celery.queues import queues_of
from otel_flow.instrumentation.celery.routes import Routes


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery import Celery

    from otel_flow.instrumentation.celery.broker import Broker
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")


class Recorder:
    """The tracer and the metrics, and what is known of the applications' brokers."""

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        link: bool | None = None,
        queues: Sequence[str] | None = None,
    ) -> None:
        self.telemetry = telemetry
        self.tracer = telemetry.tracer_provider.get_tracer(SCOPE)
        self._metrics = metrics_of(telemetry)
        self.links = telemetry.settings.celery_link if link is None else link
        """Whether a task begins a trace of its own, with a link to its publisher's."""
        self._queues = queues
        self._depths = queues_of(telemetry)
        self.writing = ByApplication(functools.partial(self._routes, writing_broker)).of
        """Returns the routes of what an application publishes."""
        self.reading = ByApplication(functools.partial(self._routes, reading_broker)).of
        """Returns the routes of what workers of an application consume."""
        self._broken = False

    def _routes(self, find: Callable[[Celery], Broker], app: Celery) -> Routes:
        return Routes(self._metrics, find(app))

    def watch(self, app: Celery) -> None:
        """Report the depth of the queues of *app*, where nobody else does."""
        if not self._depths.watches(app):
            self._depths.watch(app, self.reading(app).broker, self._queues)

    def stop(self) -> None:
        """Leave the depth of queues to others."""
        self._depths.stop()

    def broken(self, error: Exception) -> None:
        """Say once that recording fails, and how; the tasks go on."""
        if not self._broken:
            self._broken = True
            logger.warning("a task was not recorded", exc_info=error)
