"""
The lock of coverage's collector, which no fork may copy while it is held.

A thread holds it while it sees a file for the first time; a child that is forked then waits
for it for ever at its first line of Python (coverage 7.17, ``Collector.lock_data``). As a
plugin of coverage this is in every process that is measured.
"""

from __future__ import annotations

import os
import sys


def coverage_init(registry: object, options: object) -> None:
    """Have forks of this process wait for the lock."""
    del registry, options
    held = []

    def before() -> None:
        coverage = sys.modules.get("coverage")
        running = coverage.Coverage.current() if coverage else None
        lock = getattr(getattr(running, "_collector", None), "data_lock", None)
        if lock is not None:
            lock.acquire()
            held.append(lock)

    def after() -> None:
        while held:
            held.pop().release()

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


def uncovered() -> dict[str, str]:
    """Return the environment for a program that is not measured: signal handlers meet the lock."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
