"""AnyIO's default thread limiter, whose tokens synchronous endpoints wait for."""

from __future__ import annotations

import sys
import weakref

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.runtime.observing import observe
from otel_flow.names import runtime as names


if TYPE_CHECKING:
    import asyncio

    from opentelemetry.metrics import Meter

    from otel_flow.instrumentation.runtime.loops import LoopWatch
    from otel_flow.instrumentation.runtime.observing import Reading


_USED = frozenset({"anyio.to_thread", "anyio._backends._asyncio"})
"""Modules that are loaded where AnyIO runs something; loading them here would keep the loop waiting."""
_FIRST_LOOK = 0.5
_LONGEST_PAUSE = 60.0
"""Seconds until it is looked for them again."""


def watch_limiters(meter: Meter, loops: LoopWatch) -> None:
    """Report the tokens of the limiter of each loop that *loops* watches."""
    limiters: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    async def capture(loop: asyncio.AbstractEventLoop) -> None:
        # It can be asked for inside a task only; what it counts can be read from anywhere.
        limiters[loop] = sys.modules["anyio.to_thread"].current_default_thread_limiter()

    def look(loop: asyncio.AbstractEventLoop, pause: float = _FIRST_LOOK) -> None:
        if not _USED.issubset(sys.modules):
            loop.call_later(pause, look, loop, min(2 * pause, _LONGEST_PAUSE))
            return
        task = loop.create_task(capture(loop))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def read() -> Reading:
        borrowed = total = waiting = 0
        for limiter in list(limiters.values()):
            statistics = limiter.statistics()
            borrowed += statistics.borrowed_tokens
            total += statistics.total_tokens
            waiting += statistics.tasks_waiting
        state = names.TOKEN_STATE.name
        if not limiters:
            return []
        return [
            (borrowed, {state: "borrowed"}),
            (total - borrowed, {state: "free"}),
            (waiting, {state: "waiting"}),
        ]

    tasks: set[asyncio.Task[None]] = set()
    loops.on_start.append(look)
    observe(meter, names.LIMITER_TOKENS, read)
