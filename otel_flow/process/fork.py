"""What runs in a forked child: what renews, in the order it was registered, then what starts."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_renewing: dict[object, Callable[[], object]] = {}
_starting: dict[object, Callable[[], object]] = {}


def on_fork(*, child: Callable[[], object], starts: bool = False) -> Callable[[], None]:
    """
    Call *child* in every process that is forked from this one; return the undo.

    One that *starts* a thread is called last: it may take a lock that others renew.
    """
    callbacks = _starting if starts else _renewing
    key = object()
    callbacks[key] = child

    def undo() -> None:
        callbacks.pop(key, None)

    return undo


def _in_child() -> None:
    for callback in (*_renewing.values(), *_starting.values()):
        # What telemetry cannot renew must not keep the application's child from running.
        try:
            callback()
        except Exception:  # noqa: S112  nobody to tell: logging's locks may be held here
            continue


# On import, so that it runs before the hooks of the SDK's readers and processors: they start
# threads, and a lock that a thread waits for can no longer be renewed.
os.register_at_fork(after_in_child=_in_child)
