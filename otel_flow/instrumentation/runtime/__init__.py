"""The process, the garbage collector, event loops and AnyIO's threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow import telemetry as running
from otel_flow.instrumentation.runtime.garbage import watch_garbage
from otel_flow.instrumentation.runtime.limiter import watch_limiters
from otel_flow.instrumentation.runtime.loops import LoopWatch
from otel_flow.instrumentation.runtime.process import observe_process


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_flow.telemetry import Telemetry


TARGETS: tuple[type, ...] = ()

SCOPE = "otel_flow.runtime"

_undos: list[Callable[[], None]] = []


def instrument(
    target: None = None,
    *,
    telemetry: Telemetry | None = None,
    groups: Sequence[str] | None = None,
) -> Callable[[], None]:
    """
    Measure this process; return the undo. There is nothing to pass as *target*.

    *groups* are some of ``process``, ``gc``, ``eventloop`` and ``anyio``, by default those
    of OTEL_FLOW_RUNTIME. An event loop is measured from its start under `asyncio.run`,
    `asyncio.Runner` or a server, or from now on where it runs already.
    """
    del target
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled or _undos:
        return uninstrument
    wanted = telemetry.settings.runtime if groups is None else groups
    meter = telemetry.meter_provider.get_meter(SCOPE)
    if "process" in wanted:
        observe_process(meter)
    if "gc" in wanted:
        _undos.append(watch_garbage(meter))
    if "eventloop" in wanted or "anyio" in wanted:
        watch = LoopWatch(meter, telemetry.settings.blocked_loop, delays="eventloop" in wanted)
        _undos.append(watch.install())
        if "anyio" in wanted:
            watch_limiters(meter, watch)
    return uninstrument


def uninstrument(target: None = None) -> None:
    """Measure no more."""
    del target
    while _undos:
        _undos.pop()()
