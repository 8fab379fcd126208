"""Publishing a task: one PRODUCER span, whose context travels in the message's headers."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry import context as context_api
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from otel_flow.instrumentation.celery import headers as task_headers
from otel_flow.instrumentation.celery.broker import destination
from otel_flow.instrumentation.celery.metrics import Series
from otel_flow.measure.recording import error_type


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from celery import Celery
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.celery.recorder import Recorder


_SUPPRESSED = "suppress_instrumentation"
"""Key of the context: what is done below makes no spans, as the commands that carry a message."""

_current: ContextVar[Publication | None] = ContextVar("otel_flow_publication", default=None)


def publish(recorder: Recorder, app: Celery, name: str, send: Callable[[], Any]) -> Any:
    """Have *send* publish the task *name*, and record it."""
    if context_api.get_value(_SUPPRESSED):
        return send()
    publication = _begin(recorder, app, name)
    if publication is None:
        return send()
    context = set_span_in_context(publication.span)
    token = context_api.attach(context_api.set_value(_SUPPRESSED, True, context))
    current = _current.set(publication)
    error = None
    try:
        return send()
    except BaseException as raised:
        error = raised
        raise
    finally:
        publication.end(error)
        _current.reset(current)
        context_api.detach(token)


def _begin(recorder: Recorder, app: Celery, name: str) -> Publication | None:
    # A broker URL that kombu cannot read fails the publishing itself, with kombu's own words.
    try:
        series = Series(recorder.writing(app), name, "")
        attributes = {
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "celery.task.name": name,
            **series.broker.attributes(),
        }
        span = recorder.tracer.start_span(
            f"send {name}", kind=SpanKind.PRODUCER, attributes=attributes
        )
        return Publication(recorder, app, series, span)
    except Exception as error:
        recorder.broken(error)
        return None


class Publication:
    """A task that is being published."""

    __slots__ = ("_app", "_recorder", "_series", "_started", "span")

    def __init__(self, recorder: Recorder, app: Celery, series: Series, span: Span) -> None:
        self._recorder = recorder
        self._app = app
        self._series = series
        self.span = span
        self._started = perf_counter()

    def addressed(
        self,
        headers: MutableMapping[str, Any],
        exchange: Any,
        routing_key: str | None,
        task_id: str | None,
    ) -> None:
        """Complete the message: Celery knows now where it goes."""
        task_headers.write(headers, context_api.get_current())
        place = destination(exchange, routing_key)
        self._series = self._series._replace(destination=place)
        if not self.span.is_recording():
            return
        if place:
            self.span.set_attribute("messaging.destination.name", place)
        if routing_key and place != routing_key:
            self.span.set_attribute("messaging.rabbitmq.destination.routing_key", routing_key)
        if task_id:
            self.span.set_attribute("messaging.message.id", task_id)

    def end(self, error: BaseException | None) -> None:
        """Record that the task was published, or that *error* kept it from being."""
        seconds = perf_counter() - self._started
        series = self._series
        # Whatever goes wrong in here is ours alone; the message is on its way.
        try:
            if error is not None:
                series = series._replace(error_type=error_type(error))
                self.span.set_attribute("error.type", error_type(error))
                self.span.set_status(StatusCode.ERROR)
                self.span.record_exception(error)
            self._recorder.metrics.sent(series, seconds)
            self._recorder.watch(self._app)
        except Exception as failure:
            self._recorder.broken(failure)
        finally:
            self.span.end()


def on_before_publish(
    *,
    headers: MutableMapping[str, Any] | None = None,
    exchange: Any = None,
    routing_key: str | None = None,
    properties: MutableMapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Complete the message of the task that is being published (`before_task_publish`)."""
    publication = _current.get()
    if publication is not None and headers is not None:
        task_id = (properties or {}).get("correlation_id")
        publication.addressed(headers, exchange, routing_key, task_id)
