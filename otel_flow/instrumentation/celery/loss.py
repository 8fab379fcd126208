"""Tasks whose end only the worker sees: revoked, out of time, or their process was lost."""

from __future__ import annotations

import functools

from contextvars import ContextVar
from time import time
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import (
    Ignore,
    Reject,
    Retry,
    Terminated,
    TimeLimitExceeded,
)
from celery.worker.request import Request

from otel_flow.instrumentation.celery.execution import complete_span, route_of, start_span, waited
from otel_flow.instrumentation.celery.headers import context_of
from otel_flow.measure.recording import error_type
from otel_flow.providers.active import current_context, enter, leave


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.celery.recorder import Recorder

    RecorderOf = Callable[[Any], Recorder | None]


_COUNTED = "_otel_flow_counted"
"""Attribute of a request: its outcome is known, further news of its end are repetitions."""

_IN_TASK = (Reject, Ignore, Retry, Terminated)
"""Ends that the task's own process has counted, or that are announced as revoked."""

_IN_SPAN = (SystemExit, KeyboardInterrupt)
"""What left the task as an exception, and has ended its span there."""

_announced: ContextVar[list[str] | None] = ContextVar("otel_flow_announced", default=None)


def announce(state: str) -> bool:
    """Note that Celery signals *state* of a lost task; returns whether that is going on."""
    states = _announced.get()
    if states is None:
        return False
    states.append(state)
    return True


def patch_requests(recorder_of: RecorderOf) -> Callable[[], None]:
    """Record what the worker learns of its tasks by other ways than signals; return the undo."""
    replaced = {
        "on_failure": _on_failure(Request.on_failure, recorder_of),
        "on_timeout": _on_timeout(Request.on_timeout, recorder_of),
        "_announce_revoked": _on_end(Request._announce_revoked, recorder_of, "revoked"),
        "_announce_cancelled": _on_end(Request._announce_cancelled, recorder_of, "retry"),
    }
    originals = {name: getattr(Request, name) for name in replaced}
    for name, function in replaced.items():
        setattr(Request, name, function)

    def undo() -> None:
        for name, function in originals.items():
            setattr(Request, name, function)

    return undo


def _on_failure(original: Callable[..., Any], recorder_of: RecorderOf) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_failure(request: Any, exc_info: Any, *arguments: Any, **keywords: Any) -> Any:
        recorder = recorder_of(request.task.app)
        reported = keywords.get("return_ok") or (len(arguments) > 1 and arguments[1])
        if recorder is None or reported:
            return original(request, exc_info, *arguments, **keywords)
        with _Within(request):
            states: list[str] = []
            token = _announced.set(states)
            try:
                return original(request, exc_info, *arguments, **keywords)
            finally:
                _announced.reset(token)
                error = _unwrapped(exc_info.exception)
                if states and not isinstance(error, _IN_TASK):
                    _record(recorder, request, states[-1], error)

    return on_failure


def _on_timeout(original: Callable[..., Any], recorder_of: RecorderOf) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_timeout(request: Any, soft: bool, timeout: float) -> Any:
        recorder = recorder_of(request.task.app)
        if recorder is None:
            return original(request, soft, timeout)
        with _Within(request):
            try:
                return original(request, soft, timeout)
            finally:
                if not soft:
                    _record(recorder, request, "failure", TimeLimitExceeded(timeout))

    return on_timeout


def _on_end(
    original: Callable[..., Any], recorder_of: RecorderOf, state: str
) -> Callable[..., Any]:
    @functools.wraps(original)
    def announce(request: Any, *arguments: Any, **keywords: Any) -> Any:
        recorder = recorder_of(request.task.app)
        if recorder is None:
            return original(request, *arguments, **keywords)
        with _Within(request):
            try:
                return original(request, *arguments, **keywords)
            finally:
                _record(recorder, request, state, None)

    return announce


class _Within:
    """The publisher's context around what the worker does and logs about a request."""

    def __init__(self, request: Any) -> None:
        self._headers = request.request_dict

    def __enter__(self) -> None:
        self._token = enter(context_of(self._headers, current_context()))

    def __exit__(self, *_: object) -> None:
        leave(self._token)


def _record(recorder: Recorder, request: Any, state: str, error: BaseException | None) -> None:
    if getattr(request, _COUNTED, False):
        return
    setattr(request, _COUNTED, True)
    # Whatever goes wrong in here is ours alone; the worker goes on.
    try:
        named = None if error is None else error_type(error)
        route = route_of(recorder, request.task, request.delivery_info)
        route.ended(state, named)
        if (began := request.time_start) is None or isinstance(error, _IN_SPAN):
            return
        headers = request.request_dict
        wait = waited(headers, request.task.app, began)
        span, _ = start_span(recorder, route, headers, wait=wait, start_time=int(began * 1e9))
        if wait is not None:
            route.waited(wait)
        complete_span(span, state, error)
        span.end()
        route.processed(time() - began, named)
    except Exception as failure:
        recorder.broken(failure)


def _unwrapped(error: BaseException) -> BaseException:
    return error.exc if isinstance(error, ExceptionWithTraceback) else error
