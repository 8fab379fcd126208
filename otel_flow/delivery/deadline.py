"""Several blocking calls under one deadline, however long each of them would block."""

from __future__ import annotations

import threading
import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class _Call:
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
        try:
            self._thread.start()
        except RuntimeError:
            # At interpreter exit Python ≥ 3.12 refuses new threads (cpython#113964).
            self._run()

    def wait(self, seconds: float) -> bool:
        if self._thread.ident is not None:
            self._thread.join(seconds)
            return self.answer and not self._thread.is_alive()
        return self.answer


def call_all(functions: Iterable[Callable[[], object]], timeout: float) -> bool:
    """
    Run *functions* side by side and return within *timeout* seconds.

    True only when every one of them has returned, and none of them False. What
    has not ended by then goes on in its thread and is abandoned.
    """
    end = time.monotonic() + timeout
    calls = [_Call(function) for function in functions]
    for call in calls:
        call.start()
    return all([call.wait(max(0.0, end - time.monotonic())) for call in calls])
