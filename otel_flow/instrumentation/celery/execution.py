"""Running a task: one CONSUMER span, one point a metric, ids on the lines it logs."""

from __future__ import annotations

import sys

from time import perf_counter, time
from typing import TYPE_CHECKING, Any

import structlog

from billiard import common as billiard_common
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.time import maybe_iso8601, maybe_make_aware
from opentelemetry import context as context_api
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)

from otel_flow.correlation import bind_request_id, unbind_request_id
from otel_flow.instrumentation.celery import headers as task_headers
from otel_flow.instrumentation.celery.broker import destination
from otel_flow.instrumentation.celery.metrics import Series
from otel_flow.measure.recording import error_type


if TYPE_CHECKING:
    import datetime as dt

    from collections.abc import Mapping

    from celery import Task
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from otel_flow.instrumentation.celery.recorder import Recorder


OTHER = "_OTHER"
"""Stands for the names of tasks that this worker does not know: anybody can send any."""

_FAILURES = frozenset({"failure", "internal_error"})

_BY_EXCEPTION = ((Retry, "retry"), (Reject, "rejected"), (Ignore, "ignored"))


def series_of(recorder: Recorder, task: Task, delivery_info: Mapping[str, Any] | None) -> Series:
    """Return the series of *task* as a worker received it."""
    found = delivery_info or {}
    place = destination(found.get("exchange"), found.get("routing_key"))
    return Series(recorder.reading(task.app), task.name, place)


def start_span(
    recorder: Recorder,
    series: Series,
    request: Mapping[str, Any],
    *,
    start_time: int | None = None,
) -> tuple[Span, Context]:
    """
    Start the span of a task, below its publisher's or, by setting, linked to it.

    *request* has the headers of the message as Celery merged them. *start_time*, in
    Unix nanoseconds, is by default now. Returns the span's context, too.
    """
    eager = bool(request.get("is_eager"))
    attributes: dict[str, Any] = {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "celery.task.name": series.task,
        **series.broker.attributes(),
    }
    if series.destination:
        attributes["messaging.destination.name"] = series.destination
    if task_id := request.get("id"):
        attributes["messaging.message.id"] = task_id
    if retries := request.get("retries"):
        attributes["celery.task.retries"] = retries
    parent = context_api.get_current()
    links = []
    if eager:
        attributes["celery.task.eager"] = True
    else:
        parent = task_headers.context_of(request, parent)
        publisher = get_current_span(parent).get_span_context()
        if recorder.links and publisher.is_valid:
            links = [Link(publisher)]
            parent = set_span_in_context(INVALID_SPAN, parent)
    span = recorder.tracer.start_span(
        f"process {series.task}", parent, SpanKind.CONSUMER, attributes, links, start_time
    )
    return span, set_span_in_context(span, parent)


def complete_span(
    span: Span, state: str, error: BaseException | None = None, *, expected: bool = False
) -> None:
    """Say on *span* how the task ended; an *error* that is *expected* is named, and no failure."""
    if not span.is_recording():
        return
    span.set_attribute("celery.task.state", state)
    if error is not None:
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
        self._series = series_of(recorder, task, request.get("delivery_info"))
        self._error: BaseException | None = None
        self._around = sys.exc_info()[1]
        """What is being handled where an eager task was called; none of its own."""
        self._waited = None if self.eager else waited(request, task.app.timezone, time())
        self._span, context = start_span(recorder, self._series, request)
        self._token = context_api.attach(context)
        found = None if self.eager else task_headers.request_id_of(request)
        self._request_id = bind_request_id(found) if found else None
        self._outside = structlog.contextvars.get_contextvars()
        structlog.contextvars.bind_contextvars(
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
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(**self._outside)
            if self._request_id is not None:
                unbind_request_id(self._request_id)
            context_api.detach(self._token)

    def _record(self, seconds: float, state: str | None, *, in_pool: bool) -> None:
        leaving = sys.exc_info()[1]
        if leaving is self._around:
            leaving = None
        error = leaving or self._error
        ended = (state or "failure").lower() if leaving is None else self._state_of(leaving)
        if ended not in _FAILURES:
            error = None
        named = None if error is None else error_type(error)
        metrics = self._recorder.metrics
        metrics.processed(self._series, seconds, named)
        record_wait(self._recorder, self._series, self._span, self._waited)
        # Celery announces internal errors by a signal of their own, after this one.
        if ended != "internal_error" and not (in_pool and _ends_process(leaving)):
            metrics.ended(self._series, ended, named)
        expected = isinstance(error, tuple(self._task.throws or ()))
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


def record_wait(recorder: Recorder, series: Series, span: Span, seconds: float | None) -> None:
    """Record how long a task has waited, where that is known."""
    if seconds is not None:
        recorder.metrics.waited(series, seconds)
        span.set_attribute("celery.task.queue_time", seconds)


def waited(request: Mapping[str, Any], zone: dt.tzinfo, began: float) -> float | None:
    """
    Return the seconds from publishing, or the ETA, until the task *began*; None if unknown.

    *zone* is that of an ETA without one.
    """
    sent = task_headers.sent_of(request)
    if sent is None:
        return None
    due = sent
    if (eta := maybe_iso8601(request.get("eta"))) is not None:
        due = max(sent, maybe_make_aware(eta, zone).timestamp())
    # Clocks of two hosts differ.
    return max(0.0, began - due)
