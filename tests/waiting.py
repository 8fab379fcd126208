"""Waiting for what happens in the end, on a machine that does much else."""

from __future__ import annotations

import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(found: Callable[[], object], what: str, seconds: float = 60) -> object:
    """What *found* returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.02)
    return value
