"""Several blocking calls under one deadline, however long each of them would block."""

from __future__ import annotations

import threading
import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Call:
    """A call on a daemon thread: its answer, or False when it raised or did not end in time."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self.answer = False
        self._thread = threading.Thread(target=self._run, name="otel-flow-flush", daemon=True)

    def _run(self) -> None:
        # The exporter may be anyone's; what it raises counts as not delivered.
        try:
            self.answer = self._function() is not False
        except Exception:
            self.answer = False

    def start(self) -> None:
        """Start it, on the caller's thread where no other can be had."""
        try:
            self._thread.start()
        except RuntimeError:
            # None can be had: at the interpreter's exit in Python 3.12.0 to 3.12.2 (cpython#113964).
            self._run()

    def wait(self, seconds: float) -> bool:
        """Return its answer, False where it has none after *seconds*."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
            return self.answer and not self._thread.is_alive()
        return self.answer


def start_all(functions: Iterable[Callable[[], object]]) -> list[Call]:
    """Start *functions* side by side, each on a daemon thread."""
    calls = [Call(function) for function in functions]
    for call in calls:
        call.start()
    return calls


def wait_all(calls: Iterable[Call], end: float) -> bool:
    """
    Wait for *calls* until *end*, a time of ``time.monotonic``.

    True only when every one of them has returned, and none of them False. What
    has not ended by then goes on in its thread and is abandoned.
    """
    answers = [call.wait(max(0.0, end - time.monotonic())) for call in calls]
    return all(answers)
