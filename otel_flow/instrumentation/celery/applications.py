"""Which applications are recorded, and the hooks into Celery that serve them all."""

from __future__ import annotations

import functools
import sys
import weakref

from typing import TYPE_CHECKING, Any

from billiard import current_process
from celery import Celery, signals
from celery.worker.consumer.consumer import Consumer

from otel_flow.instrumentation.celery import (
    contrib,
    logs,
    loss,
    publishing,
    signalling,
    workers,
)
from otel_flow.instrumentation.celery.execution import OTHER, Execution, route_of
from otel_flow.instrumentation.celery.headers import SENT, context_of
from otel_flow.measure.recording import error_type
from otel_flow.providers.active import current_context, enter, leave


if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Task
    from celery.utils.dispatch import Signal

    from otel_flow.instrumentation.celery.recorder import Recorder


_EXECUTION = "_otel_flow_execution"
"""Attribute of a task's request: what is being recorded of it."""


class Applications:
    """
    The recorder of each application, and of those that were not named.

    Classes and signals of Celery are hooked as long as anything is recorded, so that
    applications made before and after are covered alike.
    """

    def __init__(self) -> None:
        self._all: Recorder | None = None
        self._own: weakref.WeakKeyDictionary[Any, Recorder | None] = weakref.WeakKeyDictionary()
        self._undos: list[Callable[[], object]] = []

    def instrument_all(self, recorder: Recorder) -> Callable[[], None]:
        """Record every application that has no recorder of its own; return the undo."""
        if self._all is not None:
            return lambda: None
        self._all = recorder
        self._hook()
        return self.uninstrument_all

    def uninstrument_all(self) -> None:
        """Record only the applications that were named."""
        if self._all is not None:
            self._all.stop()
        self._all = None
        self._unhook_if_idle()

    def instrument(self, app: Celery, recorder: Recorder) -> Callable[[], None]:
        """Record *app*; return the undo."""
        if self._own.get(app) is not None:
            return lambda: None
        self._own[app] = recorder
        self._hook()
        return functools.partial(self.uninstrument, app)

    def uninstrument(self, app: Celery) -> None:
        """Record *app* no more, not even where every other is recorded."""
        if (recorder := self._own.get(app)) is not None:
            recorder.stop()
        self._own[app] = None
        self._unhook_if_idle()

    def recorder(self, app: Celery) -> Recorder | None:
        """Return the recorder of *app*."""
        return self._own.get(app, self._all)

    def _hook(self) -> None:
        if self._undos:
            return
        hooks: dict[Signal, Callable[..., None]] = {
            signals.task_failure: _on_failure,
            signals.task_retry: _on_retry,
            signals.task_internal_error: self._on_internal_error,
            signals.task_unknown: self._on_unknown,
            signals.task_rejected: self._on_rejected,
            signals.worker_ready: self._on_worker_ready,
            signals.worker_shutdown: _on_worker_shutdown,
            signals.after_setup_logger: logs.on_setup,
            signals.after_setup_task_logger: logs.on_setup,
        }
        self._undos = [signalling.receive(*hook) for hook in hooks.items()]
        often = signalling.receive_often
        self._undos += [
            often(signals.before_task_publish, publishing.on_before_publish),
            often(signals.task_prerun, self._on_prerun, "send_prerun"),
            often(signals.task_postrun, _on_postrun, "send_postrun"),
            _patch_publishing(self.recorder),
            _patch_receiving(self.recorder),
            loss.patch_requests(self.recorder),
            contrib.keep_out(),
        ]

    def _unhook_if_idle(self) -> None:
        if self._all is not None or any(self._own.values()):
            return
        while self._undos:
            self._undos.pop()()

    def _on_worker_ready(self, *, sender: Consumer, **_: Any) -> None:
        if (recorder := self.recorder(sender.app)) is not None:
            workers.began(sender, recorder.telemetry)
            recorder.watch(sender.app)

    def _on_prerun(self, *, task: Task, **_: Any) -> None:
        recorder = self.recorder(task.app)
        if recorder is None:
            return
        # What cannot be recorded runs all the same; Celery would log each failure.
        try:
            request = vars(task.request)
            headers = request.get("headers")
            # Celery keeps a message's headers among the rest, and mostly there only.
            merged = {**request, **headers} if headers and SENT not in request else request
            request[_EXECUTION] = Execution(recorder, task, merged)
        except Exception as error:
            recorder.broken(error)

    def _on_internal_error(self, *, sender: Task, request: Any, exception: Any, **_: Any) -> None:
        recorder = self.recorder(sender.app)
        # An eager task passes its exception on, which Celery takes for an error of its own.
        if recorder is not None and not (request or {}).get("is_eager"):
            route = route_of(recorder, sender, (request or {}).get("delivery_info"))
            route.ended("internal_error", error_type(exception))

    def _on_unknown(self, *, sender: Consumer, message: Any, **_: Any) -> None:
        self._not_run(sender.app, message, "unknown")

    def _on_rejected(self, *, sender: Consumer, message: Any, **_: Any) -> None:
        self._not_run(sender.app, message, "rejected")

    def _not_run(self, app: Celery, message: Any, state: str) -> None:
        if (recorder := self.recorder(app)) is not None:
            found = message.delivery_info or {}
            routes = recorder.reading(app)
            routes.of(OTHER, found.get("exchange"), found.get("routing_key")).ended(state)


def _on_worker_shutdown(**_: Any) -> None:
    workers.ended()


def _execution(task: Any) -> Execution | None:
    found: Execution | None = getattr(task.request, _EXECUTION, None)
    return found


def _on_failure(*, sender: Any, exception: BaseException, **_: Any) -> None:
    if loss.announce("failure"):
        return
    if (execution := _execution(sender)) is not None:
        # The signal has a copy that can be pickled, of another class perhaps.
        execution.failed(sys.exc_info()[1] or exception)


def _on_retry(*, sender: Any, reason: object = None, **_: Any) -> None:
    if loss.announce("retry"):
        return
    if (execution := _execution(sender)) is not None:
        execution.retried(reason)


def _on_postrun(*, task: Any, state: str | None = None, **_: Any) -> None:
    execution = vars(task.request).pop(_EXECUTION, None)
    if execution is not None:
        execution.end(state, in_pool=current_process().daemon)


def _patch_publishing(recorder_of: Callable[[Celery], Recorder | None]) -> Callable[[], None]:
    original = Celery.send_task

    @functools.wraps(original)
    def send_task(app: Celery, name: str, *arguments: Any, **keywords: Any) -> Any:
        send = functools.partial(original, app, name, *arguments, **keywords)
        recorder = recorder_of(app)
        return send() if recorder is None else publishing.publish(recorder, app, name, send)

    Celery.send_task = send_task

    def undo() -> None:
        Celery.send_task = original

    return undo


def _patch_receiving(recorder_of: Callable[[Celery], Recorder | None]) -> Callable[[], None]:
    """Give what a worker logs about a message the ids of its publisher."""
    original = Consumer.create_task_handler

    @functools.wraps(original)
    def create_task_handler(consumer: Consumer, *arguments: Any, **keywords: Any) -> Any:
        handle = original(consumer, *arguments, **keywords)

        def on_task_received(message: Any) -> Any:
            headers = message.headers
            if recorder_of(consumer.app) is None or not isinstance(headers, dict):
                return handle(message)
            token = enter(context_of(headers, current_context()))
            try:
                return handle(message)
            finally:
                leave(token)

        return on_task_received

    Consumer.create_task_handler = create_task_handler

    def undo() -> None:
        Consumer.create_task_handler = original

    return undo
