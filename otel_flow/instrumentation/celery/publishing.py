"""Publishing a task: one PRODUCER span, whose context travels in the message's headers."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, create_key
from opentelemetry.trace import SpanKind, StatusCode

from otel_flow.instrumentation.celery import headers as task_headers
from otel_flow.measure.recording import error_type
from otel_flow.providers.active import SPAN_KEY, current_context, enter, leave
from otel_flow.providers.prepared import complete


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from celery import Celery

    from otel_flow.instrumentation.celery.recorder import Recorder
    from otel_flow.instrumentation.celery.routes import Route, Routes


_SUPPRESSED = "suppress_instrumentation"
"""Key of the context: what is done below makes no spans, as the commands that carry a message."""

_PUBLICATION = create_key("otel_flow_publication")


def publish(recorder: Recorder, app: Celery, name: str, send: Callable[[], Any]) -> Any:
    """Have *send* publish the task *name*, and record it."""
    outside = current_context()
    if outside.get(_SUPPRESSED):
        return send()
    publication = _begin(recorder, app, name, outside)
    if publication is None:
        return send()
    token = enter(publication.context)
    error = None
    try:
        return send()
    except BaseException as raised:
        error = raised
        raise
    finally:
        publication.end(error)
        leave(token)


def _begin(recorder: Recorder, app: Celery, name: str, outside: Context) -> Publication | None:
    # A broker URL that kombu cannot read fails the publishing itself, with kombu's own words.
    try:
        return Publication(recorder, app, name, outside)
    except Exception as error:
        recorder.broken(error)
        return None


class Publication:
    """A task that is being published, in a *context* of its own."""

    __slots__ = (
        "_app",
        "_name",
        "_own",
        "_recorder",
        "_route",
        "_routes",
        "_span",
        "_started",
        "context",
    )

    def __init__(self, recorder: Recorder, app: Celery, name: str, outside: Context) -> None:
        self._recorder = recorder
        self._app = app
        self._name = name
        self._routes: Routes = recorder.writing(app)
        self._route: Route | None = None
        self._own: dict[str, str] = {}
        begins = self._routes.sending(name)
        self._span = recorder.tracer.start_span(
            begins.name, outside, SpanKind.PRODUCER, begins.attributes
        )
        self.context = Context(
            {**outside, SPAN_KEY: self._span, _SUPPRESSED: True, _PUBLICATION: self}
        )
        self._started = perf_counter()

    def addressed(
        self,
        headers: MutableMapping[str, Any],
        exchange: Any,
        routing_key: str | None,
        task_id: str | None,
    ) -> None:
        """Complete the message: Celery knows now where it goes."""
        # What the application's own receivers publish meanwhile is not recorded.
        if self._route is not None:
            return
        # Propagators of users raise what they like.
        try:
            task_headers.write(headers, self.context)
            self._route = self._routes.of(self._name, exchange, routing_key)
            if task_id:
                self._own = {"messaging.message.id": task_id}
        except Exception as error:
            self._recorder.broken(error)

    def end(self, error: BaseException | None) -> None:
        """Record that the task was published, or that *error* kept it from being."""
        seconds = perf_counter() - self._started
        span, named = self._span, None
        # Whatever goes wrong in here is ours alone; the message is on its way.
        try:
            route = self._route or self._routes.of(self._name)
            complete(span, route.address, self._own)
            if error is not None:
                named = error_type(error)
                span.set_attribute("error.type", named)
                span.set_status(StatusCode.ERROR)
                span.record_exception(error)
            route.sent(seconds, named, self.context)
            self._recorder.watch(self._app)
        except Exception as failure:
            self._recorder.broken(failure)
        finally:
            span.end()


def on_before_publish(
    *,
    headers: MutableMapping[str, Any] | None = None,
    exchange: Any = None,
    routing_key: str | None = None,
    properties: MutableMapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Complete the message of the task that is being published (`before_task_publish`)."""
    publication: Any = current_context().get(_PUBLICATION)
    if publication is not None and headers is not None:
        task_id = (properties or {}).get("correlation_id")
        publication.addressed(headers, exchange, routing_key, task_id)
