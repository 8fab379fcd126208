"""
The lock of coverage's collector, which no fork may copy while it is held.

A thread holds it while it sees a file for the first time; a child that is forked then waits
for it for ever at its first line of Python (coverage 7.17, ``Collector.lock_data``).
"""

from __future__ import annotations

import os
import sys


def survive_forks() -> None:
    """Have forks of this process wait for the lock, where coverage measures it."""
    coverage = sys.modules.get("coverage")
    running = coverage.Coverage.current() if coverage else None
    collector = getattr(running, "_collector", None)
    lock = getattr(collector, "data_lock", None)
    if lock is not None:
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )


def uncovered() -> dict[str, str]:
    """Return the environment for a program that forks beside threads: it is not measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
