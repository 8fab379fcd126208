"""A clock that stands still, so that times and durations are the same in every run."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


_START = 946_684_800_000_000_000
"""The year 2000, in nanoseconds since the epoch."""
_DAY = 86_400_000_000_000

_RECORDING = (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk._logs",
    "opentelemetry.sdk.metrics",
    "otel_flow.instrumentation",
    "otel_flow.log_chain",
    "otel_flow.measure",
    "otel_flow.providers",
)
_WATCHING = "otel_flow.instrumentation.runtime"
"""Compares two real times, in threads of its own."""


class FrozenClock:
    """
    Begins at 2000-01-01T00:00:00Z and moves by `advance` only.

    While it is `installed`, what records asks it instead of the machine's clocks. Time-outs,
    and the application's own clocks, are not touched.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days = 0
        self._passed = 0

    def reset(self) -> None:
        """
        Begin again.

        What records is told of another day each time, since log records must not go back
        in time; `shown` takes the days off.
        """
        self._days += 1
        self._passed = 0

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass: what goes on meanwhile takes so long."""
        with self._lock:
            self._passed += round(seconds * 1e9)

    def shown(self, nanoseconds: int | None) -> int | None:
        """Return the time of something that was recorded since the last `reset`."""
        return nanoseconds and nanoseconds - self._days * _DAY

    def time_ns(self) -> int:
        """Return the nanoseconds since the epoch."""
        return _START + self._days * _DAY + self._passed

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self.time_ns() / 1e9

    def perf_counter(self) -> float:
        """Return seconds to measure durations with."""
        return self._passed / 1e9

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """
        Have all recording modules that are imported by now read this clock.

        Those that are imported in the block read the machine's.
        """
        real = {
            time.time_ns: self.time_ns,
            time.time: self.time,
            time.perf_counter: self.perf_counter,
        }
        replaced: list[tuple[ModuleType, str, Any]] = []
        for module in _recording_modules():
            for name, value in list(vars(module).items()):
                ours = _Time(self) if value is time else _of(real, value)
                if ours is not None:
                    replaced.append((module, name, value))
                    setattr(module, name, ours)
        try:
            yield
        finally:
            for module, name, value in replaced:
                setattr(module, name, value)


def _recording_modules() -> list[ModuleType]:
    return [
        module
        for name, module in sys.modules.copy().items()
        if name.startswith(_RECORDING) and not name.startswith(_WATCHING)
    ]


def _of(real: dict[Any, Any], value: Any) -> Any:
    return real.get(value) if type(value) is type(time.time) else None


class _Time:
    """The module `time`, its clocks replaced."""

    def __init__(self, clock: FrozenClock) -> None:
        self.time_ns = clock.time_ns
        self.time = clock.time
        self.perf_counter = clock.perf_counter

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
