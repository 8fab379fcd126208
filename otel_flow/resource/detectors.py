"""Resource detectors of other packages, run side by side, none of them trusted with the start."""

from __future__ import annotations

import logging
import queue
import threading
import time

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource

from otel_flow.names.environment import RESOURCE_DETECTOR_GROUP


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint


_logger = logging.getLogger(__name__)

_OURS = {"otel", "service_instance"}
"""Detectors of the SDK whose work is done from the settings."""


def detect(names: Iterable[str], *, timeout: float) -> dict[str, Any]:
    """
    Return the attributes that the detectors called *names* find, later ones winning.

    ``*`` is every installed one. Each runs in a thread of its own; one that fails,
    or is not done after *timeout* seconds, is left behind with one warning.
    """
    wanted = _entry_points(names)
    answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    for name, entry_point in wanted.items():
        # Daemon threads: one that hangs must not keep the process from ending.
        threading.Thread(
            target=_run,
            args=(name, entry_point, answers),
            name=f"otel-flow detector {name}",
            daemon=True,
        ).start()
    found = _collected(answers, wanted.keys(), timeout)
    return {key: value for name in wanted for key, value in found.get(name, {}).items()}


def _entry_points(names: Iterable[str]) -> dict[str, EntryPoint]:
    """Return name → entry point, in the order of *names*."""
    names = [name for name in names if name not in _OURS]
    if not names:
        return {}
    installed = {found.name: found for found in entry_points(group=RESOURCE_DETECTOR_GROUP)}
    expanded = [one for name in names for one in (sorted(installed) if name == "*" else (name,))]
    return {name: installed[name] for name in expanded if name in installed and name not in _OURS}


def _run(name: str, entry_point: EntryPoint, answers: queue.SimpleQueue[tuple[str, Any]]) -> None:
    try:
        answers.put((name, entry_point.load()().detect()))
    except BaseException as error:  # whatever a detector raises costs its attributes only
        answers.put((name, error))


def _collected(
    answers: queue.SimpleQueue[tuple[str, Any]], names: Iterable[str], timeout: float
) -> dict[str, Mapping[str, Any]]:
    """Return detector → attributes of those that answered well and in time."""
    waiting = set(names)
    found = {}
    deadline = time.monotonic() + timeout
    while waiting:
        try:
            name, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        waiting.discard(name)
        if isinstance(answer, Resource):
            found[name] = answer.attributes
        else:
            _logger.warning("resource detector %s failed: %r", name, answer)
    for name in sorted(waiting):
        _logger.warning("resource detector %s was not done after %g s", name, timeout)
    return found
