"""Event loops: how late they run what is due, their tasks, and what blocks them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import weakref

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.runtime.blocking import BlockedLoops
from otel_flow.instrumentation.runtime.observing import observe
from otel_flow.instrumentation.runtime.pulse import Pulse
from otel_flow.names import runtime as names
from otel_flow.process.fork import on_fork
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from otel_flow.instrumentation.runtime.observing import Reading

    Loop = asyncio.AbstractEventLoop


class LoopWatch:
    """The loops of this process, from the start of each."""

    def __init__(self, meter: Meter, threshold: float, *, delays: bool) -> None:
        self._delays = delays
        self._record: Callable[[float], None] = lambda _seconds: None
        self.pulses: weakref.WeakKeyDictionary[Loop, Pulse] = weakref.WeakKeyDictionary()
        self.on_start: list[Callable[[Loop], None]] = []
        self._blocked = BlockedLoops(self.pulses, threshold) if delays and threshold else None
        if delays:
            self._measure(meter)

    def _measure(self, meter: Meter) -> None:
        histogram = meter.create_histogram(
            names.LOOP_DELAY.name,
            unit=names.LOOP_DELAY.unit,
            description=names.LOOP_DELAY.brief,
            explicit_bucket_boundaries_advisory=list(names.LOOP_DELAY.buckets),
        )
        self._record = bind(histogram, {}).record
        observe(meter, names.TASKS, self._tasks)

    def _tasks(self) -> Reading:
        loops = [pulse.loop for pulse in list(self.pulses.values())]
        return [(sum(len(asyncio.all_tasks(loop)) for loop in loops if loop is not None), {})]

    def install(self) -> Callable[[], None]:
        """Watch the loop that runs here, and every one that is started; return the undo."""
        undos = [
            _patch(asyncio.Runner, "run", lambda runner: runner.get_loop(), self.watch),
            _patch(asyncio.BaseEventLoop, "run_forever", lambda loop: loop, self.watch),
            on_fork(child=self._forget),
        ]
        running = asyncio._get_running_loop()
        if running is not None:
            self.watch(running)

        def undo() -> None:
            for each in undos:
                each()
            for pulse in list(self.pulses.values()):
                pulse.stop()
            if self._blocked is not None:
                self._blocked.stop()
            self.pulses.clear()

        return undo

    def watch(self, loop: Loop) -> None:
        """Watch *loop*, which is about to run or runs in this thread."""
        if loop in self.pulses:
            return
        pulse = self.pulses[loop] = Pulse(loop, self._record)
        if self._delays:
            loop.call_soon(pulse.begin)
        for call in self.on_start:
            loop.call_soon(call, loop)
        if self._blocked is not None:
            self._blocked.start()

    def _forget(self) -> None:
        """Forget all loops; of those of its parent none runs in a forked child."""
        self.pulses.clear()
        if self._blocked is not None:
            self._blocked.forget()


def _patch(
    owner: Any, name: str, loop_of: Callable[[Any], Loop], watch: Callable[[Loop], None]
) -> Callable[[], None]:
    original = getattr(owner, name)

    @functools.wraps(original)
    def run(self: Any, *arguments: Any, **keywords: Any) -> Any:
        # A runner that is closed says so itself, in the call that follows.
        with contextlib.suppress(Exception):
            watch(loop_of(self))
        return original(self, *arguments, **keywords)

    setattr(owner, name, run)

    def undo() -> None:
        if getattr(owner, name) is run:
            setattr(owner, name, original)

    return undo
