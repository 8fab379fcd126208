"""Celery: tasks from their publisher through the broker to their end in a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery

from otel_flow import telemetry as running
from otel_flow.instrumentation.celery.applications import Applications
from otel_flow.instrumentation.celery.recorder import Recorder


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_flow.telemetry import Telemetry


TARGETS = (Celery,)

_applications = Applications()


def instrument(
    target: Celery | None = None,
    *,
    telemetry: Telemetry | None = None,
    link: bool | None = None,
    queues: Sequence[str] | None = None,
) -> Callable[[], None]:
    """
    Record the tasks of *target*, by default of every Celery application; return the undo.

    With *link*, by default as `OTEL_FLOW_CELERY_LINK` says, a task that runs in a worker
    begins a trace of its own with a link to its publisher's, instead of joining that.
    *queues* are those whose depth is reported, by default all that the application knows.
    """
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    recorder = Recorder(telemetry, link=link, queues=queues)
    if target is None:
        return _applications.instrument_all(recorder)
    return _applications.instrument(_real(target), recorder)


def uninstrument(target: Celery | None = None) -> None:
    """Stop recording *target*, by default every application that was not named."""
    if target is None:
        _applications.uninstrument_all()
    else:
        _applications.uninstrument(_real(target))


def _real(app: Celery) -> Celery:
    """Return *app* itself where it is a stand-in, as ``celery.current_app`` is."""
    find = getattr(app, "_get_current_object", None)
    return app if find is None else find()
