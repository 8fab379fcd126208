"""Several blocking calls under one deadline, however long each of them would block."""

from __future__ import annotations

import contextlib
import threading
import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Call:
    """
    A call on a daemon thread: its answer, or False when it raised or did not end in time.

    *function* takes the seconds that it has. Where no thread can be had it is called by
    who waits for it, with the seconds that are left: what does not keep to them holds
    the caller, for nobody else could give up on it.
    """

    def __init__(self, function: Callable[[float], object]) -> None:
        self._function = function
        self._answer = False
        self._thread: threading.Thread | None = None

    def _run(self, seconds: float) -> None:
        # The exporter may be anyone's; what it raises counts as not delivered.
        try:
            self._answer = self._function(seconds) is not False
        except Exception:
            self._answer = False

    def start(self, seconds: float) -> None:
        """Start it where there are threads."""
        thread = threading.Thread(
            target=self._run, args=(seconds,), name="otel-flow-flush", daemon=True
        )
        # None can be had at the interpreter's exit in Python 3.12.0 to 3.12.2 (cpython#113964),
        # nor in a container that has as many as it may.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def wait(self, seconds: float) -> bool:
        """Return its answer, False where it has none after *seconds*."""
        if self._thread is None:
            if seconds > 0:
                self._run(seconds)
            return self._answer
        self._thread.join(seconds)
        return self._answer and not self._thread.is_alive()


def start_all(functions: Iterable[Callable[[float], object]], end: float) -> list[Call]:
    """Start *functions* side by side, each with the seconds until *end*, on a daemon thread."""
    seconds = max(0.0, end - time.monotonic())
    calls = [Call(function) for function in functions]
    for call in calls:
        call.start(seconds)
    return calls


def wait_all(calls: Iterable[Call], end: float) -> bool:
    """
    Wait for *calls* until *end*, a time of ``time.monotonic``.

    True only when every one of them has returned, and none of them False. What
    has not ended by then goes on in its thread and is abandoned.
    """
    answers = [call.wait(max(0.0, end - time.monotonic())) for call in calls]
    return all(answers)
