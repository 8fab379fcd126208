"""SIGTERM as Ctrl-C, for commands of ours that watch until they are stopped."""

from __future__ import annotations

import contextlib
import signal

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Have SIGTERM raise `KeyboardInterrupt` inside the block, which belongs in the main thread."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
