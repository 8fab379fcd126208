"""The process: CPU, memory, threads, descriptors, uptime; read from the system when collected."""

from __future__ import annotations

import os
import resource
import time

from pathlib import Path
from typing import TYPE_CHECKING

from otel_flow.instrumentation.runtime.observing import observe
from otel_flow.names import runtime as names


if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from otel_flow.instrumentation.runtime.observing import Reading


_PROC = Path("/proc/self")
_START_FIELD = 19
"""Position of ``starttime`` in /proc/self/stat behind the name in brackets (proc(5))."""


def observe_process(meter: Meter) -> None:
    """Report the process' own resources; what the system does not show is left out."""
    observe(meter, names.CPU_TIME, _cpu_time)
    observe(meter, names.MEMORY_USAGE, _resident)
    observe(meter, names.MEMORY_VIRTUAL, _virtual)
    observe(meter, names.THREADS, _threads)
    observe(meter, names.DESCRIPTORS, _descriptors)
    observe(meter, names.SWITCHES, _switches)
    observe(meter, names.UPTIME, _uptime)


def _cpu_time() -> Reading:
    times = os.times()
    return [
        (times.user, {names.CPU_MODE.name: "user"}),
        (times.system, {names.CPU_MODE.name: "system"}),
    ]


def _pages(position: int) -> int:
    counts = (_PROC / "statm").read_text().split()
    return int(counts[position]) * resource.getpagesize()


def _virtual() -> Reading:
    return [(_pages(0), {})]


def _resident() -> Reading:
    return [(_pages(1), {})]


def _entries(folder: str) -> int:
    return sum(1 for _ in (_PROC / folder).iterdir())


def _threads() -> Reading:
    return [(_entries("task"), {})]


def _descriptors() -> Reading:
    # One of them is the listing's own.
    return [(_entries("fd") - 1, {})]


def _switches() -> Reading:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return [
        (usage.ru_nvcsw, {names.SWITCH_TYPE.name: "voluntary"}),
        (usage.ru_nivcsw, {names.SWITCH_TYPE.name: "involuntary"}),
    ]


def _uptime() -> Reading:
    stat = (_PROC / "stat").read_text().rpartition(")")[2].split()
    started = int(stat[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    return [(time.clock_gettime(time.CLOCK_BOOTTIME) - started, {})]
