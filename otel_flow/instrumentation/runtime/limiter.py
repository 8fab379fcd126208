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


def watch_limiters(meter: Meter, loops: LoopWatch) -> None:
    """Report the tokens of the limiter of each loop that *loops* watches."""
    limiters: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    async def capture(loop: asyncio.AbstractEventLoop) -> None:
        # It can be asked for inside a task only; what it counts can be read from anywhere.
        to_thread = sys.modules.get("anyio.to_thread")
        if to_thread is not None:
            limiters[loop] = to_thread.current_default_thread_limiter()

    def start(loop: asyncio.AbstractEventLoop) -> None:
        if "anyio" in sys.modules:
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
    loops.on_start.append(start)
    observe(meter, names.LIMITER_TOKENS, read)
