"""The heartbeat of an event loop."""

from __future__ import annotations

import math
import threading
import time
import weakref

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import asyncio

    from collections.abc import Callable

    Loop = asyncio.AbstractEventLoop


BEAT = 0.25
"""
Seconds between two beats of a loop.

A service that does nothing wakes up for each of them, and once more to look at it.
"""


class Pulse:
    """One loop's heartbeat: a callback that comes late by as much as the loop is late."""

    def __init__(self, loop: Loop, record: Callable[[float], None]) -> None:
        self._loop = weakref.ref(loop)
        self._record = record
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.thread = threading.get_ident()
        self.beaten = math.inf
        """When it has beaten last; before it begins nobody waits for the next beat."""

    @property
    def loop(self) -> Loop | None:
        """The loop, None when it is gone or closed."""
        loop = self._loop()
        return None if loop is None or loop.is_closed() else loop

    def begin(self) -> None:
        """
        Have it begin once the loop has turned; called in the loop.

        What runs in the first turn keeps nobody waiting: uvicorn imports the application there.
        """
        self.thread = threading.get_ident()
        if (loop := self.loop) is not None:
            loop.call_soon(self._next)

    def _beat(self) -> None:
        self._record(max(0.0, time.perf_counter() - self._due))
        self._next()

    def _next(self) -> None:
        self.beaten = time.perf_counter()
        self._due = self.beaten + BEAT
        if (loop := self.loop) is not None:
            self._timer = loop.call_later(BEAT, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
