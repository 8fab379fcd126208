"""Running a task: one CONSUMER span, one point a metric, ids on the lines it logs."""

from __future__ import annotations

import contextvars
import sys

from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from billiard import common as billiard_common
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.time import maybe_iso8601, maybe_make_aware
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    SpanKind,
    StatusCode,
    format_trace_id,
    get_current_span,
)
from structlog.contextvars import STRUCTLOG_KEY_PREFIX, bind_contextvars

from otel_flow.correlation import bind_request_id, unbind_request_id
from otel_flow.instrumentation.celery import headers as task_headers
from otel_flow.measure.recording import error_type
from otel_flow.otlp.constant import Constant
from otel_flow.providers.active import SPAN_KEY, current_context, enter, leave
from otel_flow.providers.prepared import complete, prepared


if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery, Task
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.celery.recorder import Recorder
    from otel_flow.instrumentation.celery.routes import Route


OTHER = "_OTHER"
"""Stands for the names of tasks that this worker does not know: anybody can send any."""

_FAILURES = frozenset({"failure", "internal_error"})

_BY_EXCEPTION = ((Retry, "retry"), (Reject, "rejected"), (Ignore, "ignored"))


_STATES = {
    state: Constant({"celery.task.state": state})
    for state in (
        *("success", "failure", "retry", "revoked", "rejected", "ignored", "internal_error"),
    )
}


def route_of(recorder: Recorder, task: Task, delivery_info: Mapping[str, Any] | None) -> Route:
    """Return the route of *task* as a worker received it."""
    found = delivery_info or {}
    routes = recorder.reading(task.app)
    return routes.of(task.name, found.get("exchange"), found.get("routing_key"))


def start_span(
    recorder: Recorder,
    route: Route,
    request: Mapping[str, Any],
    *,
    wait: float | None,
    start_time: int | None = None,
) -> tuple[Span, Context]:
    """
    Start the span of a task, below its publisher's or, by setting, linked to it.

    *request* has the headers of the message as Celery merged them, *wait* is how long it
    has waited in seconds. *start_time*, in Unix nanoseconds, is by default now. Returns the
    span's context, too.
    """
    own: dict[str, Any] = {}
    if task_id := request.get("id"):
        own["messaging.message.id"] = str(task_id)
    if (retries := request.get("retries")) and type(retries) is int:
        own["celery.task.retries"] = retries
    if wait is not None:
        own["celery.task.queue_time"] = wait
    parent = current_context()
    links: tuple[Link, ...] = ()
    if request.get("is_eager"):
        own["celery.task.eager"] = True
    else:
        parent = task_headers.context_of(request, parent)
        if recorder.links:
            parent, links = _linked(parent)
    span = recorder.tracer.start_span(
        route.name, parent, SpanKind.CONSUMER, prepared(route.processing, own), links, start_time
    )
    return span, Context({**parent, SPAN_KEY: span})


def _linked(parent: Context) -> tuple[Context, tuple[Link, ...]]:
    publisher = get_current_span(parent).get_span_context()
    if not publisher.is_valid:
        return parent, ()
    return Context({**parent, SPAN_KEY: INVALID_SPAN}), (Link(publisher),)


def _request_id_of(recorder: Recorder, request: Mapping[str, Any]) -> str | None:
    found = task_headers.request_id_of(request)
    if found is not None or not recorder.links:
        return found
    # The publisher had none but its trace id, which is not that of the task.
    publisher = get_current_span(task_headers.context_of(request, Context())).get_span_context()
    return format_trace_id(publisher.trace_id) if publisher.is_valid else None


def complete_span(
    span: Span, state: str, error: BaseException | None = None, *, expected: bool = False
) -> None:
    """Say on *span* how the task ended; an *error* that is *expected* is named, and no failure."""
    complete(span, _STATES.get(state) or {"celery.task.state": state})
    if error is not None and span.is_recording():
        span.set_attribute("error.type", error_type(error))
        if not expected:
            span.set_status(StatusCode.ERROR)
            span.record_exception(error)


class Execution:
    """A task that is running in this process, from `task_prerun` to `task_postrun`."""

    def __init__(self, recorder: Recorder, task: Task, request: Mapping[str, Any]) -> None:
        self._recorder = recorder
        self._task = task
        self.eager = bool(request.get("is_eager"))
        self._route = route_of(recorder, task, request.get("delivery_info"))
        self._error: BaseException | None = None
        self._around = sys.exc_info()[1]
        """What is being handled where an eager task was called; none of its own."""
        self._waited = None if self.eager else waited(request, task.app, time())
        self._span, self._context = start_span(recorder, self._route, request, wait=self._waited)
        self._token = enter(self._context)
        found = None if self.eager else _request_id_of(recorder, request)
        self._request_id = bind_request_id(found) if found else None
        self._outside = contextvars.copy_context()
        bind_contextvars(
            **{"celery.task.name": task.name, "messaging.message.id": request.get("id")}
        )
        self._started = perf_counter()

    def failed(self, error: BaseException) -> None:
        """Keep *error*, for which the task fails."""
        self._error = error

    def retried(self, reason: object) -> None:
        """Say why the task will be tried again."""
        error = getattr(reason, "exc", None)
        if isinstance(error, BaseException):
            self._span.set_attribute("celery.task.retry.reason", error_type(error))

    def end(self, state: str | None, *, in_pool: bool) -> None:
        """
        Record what happened; *state* is Celery's, None where it has not got to one.

        What leaves the task in a pool's process ends that process: *in_pool* says that
        the worker, which sees it happen, counts the outcome. Where it is the worker that
        ends the process, for a task that was revoked or takes too long, it has the span, too.
        """
        seconds = perf_counter() - self._started
        try:
            if not (in_pool and _is_terminated()):
                self._record(seconds, state, in_pool=in_pool)
                self._span.end()
        except Exception as failure:
            self._recorder.broken(failure)
        finally:
            # A worker's thread goes on to the next task: what this one has bound is none of its.
            _unbind_all_but(self._outside)
            if self._request_id is not None:
                unbind_request_id(self._request_id)
            leave(self._token)

    def _record(self, seconds: float, state: str | None, *, in_pool: bool) -> None:
        leaving = sys.exc_info()[1]
        if leaving is self._around:
            leaving = None
        error = leaving or self._error
        ended = (state or "failure").lower() if leaving is None else self._state_of(leaving)
        if ended not in _FAILURES:
            error = None
        named = None if error is None else error_type(error)
        route, context = self._route, self._context
        route.processed(seconds, named, context)
        if self._waited is not None:
            route.waited(self._waited, context)
        # Celery announces internal errors by a signal of their own, after this one.
        if ended != "internal_error" and not (in_pool and _ends_process(leaving)):
            route.ended(ended, named, context)
        expected = error is not None and isinstance(error, tuple(self._task.throws or ()))
        complete_span(self._span, ended, error, expected=expected)

    def _state_of(self, leaving: BaseException) -> str:
        for kind, state in _BY_EXCEPTION:
            if isinstance(leaving, kind):
                return state
        if self.eager or not isinstance(leaving, Exception):
            return "failure"
        return "internal_error"


def _is_terminated() -> bool:
    """Return whether the pool's process has got the signal to end (billiard's own handler)."""
    return bool(getattr(billiard_common, "_should_have_exited", (False,))[0])


def _ends_process(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, Exception)


def _unbind_all_but(outside: contextvars.Context) -> None:
    """Have structlog's variables be as they were *outside*."""
    now = contextvars.copy_context()
    for variable in now:
        if variable.name.startswith(STRUCTLOG_KEY_PREFIX):
            before = outside.get(variable, Ellipsis)
            if now[variable] is not before:
                variable.set(before)


def waited(request: Mapping[str, Any], app: Celery, began: float) -> float | None:
    """
    Return the seconds from publishing, or the ETA, until the task *began*; None if unknown.

    The zone of an ETA without one is that of *app*.
    """
    sent = task_headers.sent_of(request)
    if sent is None:
        return None
    due = sent
    if eta := request.get("eta"):
        due = max(sent, maybe_make_aware(maybe_iso8601(eta), app.timezone).timestamp())
    # Clocks of two hosts differ.
    return max(0.0, began - due)
