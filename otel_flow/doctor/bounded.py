"""Work that is given up after some time, whatever it waits for."""

from __future__ import annotations

import threading
import time

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def bounded(works: Sequence[Callable[[], Any]], seconds: float) -> list[Any]:
    """
    Return what *works*, run at the same time, return or raise within *seconds* together.

    What is not done by then is a `TimeoutError`: a look-up of a name cannot be interrupted,
    only left behind on its thread.
    """
    done: list[Any] = [TimeoutError(f"no answer within {seconds:g} s") for _ in works]
    threads = [
        threading.Thread(target=_run, args=(done, place, work), daemon=True)
        for place, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    # A copy: what is left behind may still end.
    return list(done)


def _run(done: list[Any], place: int, work: Callable[[], Any]) -> None:
    # The caller gets whatever it is as a value.
    try:
        done[place] = work()
    except Exception as error:
        done[place] = error
