"""What runs in a forked child: what renews, in the order it was registered, then what starts."""

from __future__ import annotations

import os
import threading

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_renewing: dict[object, Callable[[], object]] = {}
_starting: dict[object, Callable[[], object]] = {}
_installed = False


def on_fork(*, child: Callable[[], object], starts: bool = False) -> Callable[[], None]:
    """
    Call *child* in every process that is forked from this one; return the undo.

    One that *starts* a thread is called last: it may take a lock that others renew. Where gevent
    has patched the process it waits for gevent, which counts the threads of the child before.
    """
    global _installed
    if starts and not _installed:
        _installed = True
        os.register_at_fork(after_in_child=_start_after_gevent)
    callbacks = _starting if starts else _renewing
    key = object()
    callbacks[key] = child

    def undo() -> None:
        callbacks.pop(key, None)

    return undo


_stopped: list[threading.Event] = []


def stop_copy(born: int) -> None:
    """
    Go no further in another process than *born*, the number of the one where this thread began.

    gevent's threads are greenlets, which a fork copies: they would go on in the child with what
    is the child's own. They wait for ever, since they cannot end (gevent has forgotten them).
    """
    if os.getpid() != born:
        event = threading.Event()
        _stopped.append(event)
        event.wait()


def _call(callbacks: dict[object, Callable[[], object]]) -> None:
    for callback in list(callbacks.values()):
        # What telemetry cannot renew must not keep the application's child from running.
        try:
            callback()
        except Exception:  # noqa: S112  nobody to tell: logging's locks may be held here
            continue


def _in_child() -> None:
    _call(_renewing)
    if not _is_patched():
        _call(_starting)


def _start_after_gevent() -> None:
    if _is_patched():
        _call(_starting)


def _is_patched() -> bool:
    """Return whether gevent's hooks run in this child, too."""
    return getattr(os.fork, "__module__", "").startswith("gevent")


# On import, so that it runs before the hooks of the SDK's readers and processors: they start
# threads, and a lock that a thread waits for can no longer be renewed.
os.register_at_fork(after_in_child=_in_child)
