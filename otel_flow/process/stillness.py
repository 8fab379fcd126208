"""What must stand still while the process forks, because its library cannot be copied in motion."""

from __future__ import annotations

import contextlib
import os
import threading

from typing import TYPE_CHECKING, NamedTuple

from otel_flow.process.fork import on_fork


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_PATIENCE = 0.5
"""Seconds that a fork waits at most for another one to hold or release what must stand still."""


class _Holder(NamedTuple):
    hold: Callable[[], object]
    release: Callable[[], object]


class _Forks:
    """
    The forks that are under way: threads may fork at the same time.

    What the first one holds the last one releases, and none begins before it is held.
    """

    def __init__(self) -> None:
        self.holders: dict[object, _Holder] = {}
        self.renew()

    def renew(self) -> None:
        """Start anew, as in a forked child."""
        # Reentrant: a signal handler may fork as well.
        self._lock = threading.RLock()
        self._count = 0
        self._held: list[_Holder] = []

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep the forks of other threads waiting, or go on without where one takes too long."""
        alone = self._lock.acquire(timeout=_PATIENCE)
        try:
            yield
        finally:
            if alone:
                self._lock.release()

    def begin(self) -> None:
        """Hold what must stand still, unless another fork has done it."""
        with self._alone():
            self._count += 1
            if self._count == 1:
                self._held = list(self.holders.values())
                for holder in self._held:
                    _call(holder.hold)

    def end(self) -> None:
        """Release it, unless another fork still needs it held."""
        with self._alone():
            # What interrupts `begin`, a signal handler that raises, does not keep it from forking.
            self._count = max(0, self._count - 1)
            if self._count == 0:
                for holder in self._held:
                    _call(holder.release)
                self._held = []


_forks = _Forks()
_installed = False


def still_while_forking(
    hold: Callable[[], object], release: Callable[[], object]
) -> Callable[[], None]:
    """
    Call *hold* before each fork and *release* after it, in the parent; return the undo.

    The fork waits for *hold*, so that it must be short. Forks of several threads at a time
    hold it once.
    """
    global _installed
    if not _installed:
        _installed = True
        os.register_at_fork(before=_forks.begin, after_in_parent=_forks.end)
        on_fork(child=_forks.renew)
    key = object()
    _forks.holders[key] = _Holder(hold, release)

    def undo() -> None:
        _forks.holders.pop(key, None)

    return undo


def _call(function: Callable[[], object]) -> None:
    # What telemetry cannot do must not keep the application from forking.
    try:
        function()
    except Exception:
        return
