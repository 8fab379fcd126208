"""What runs in a forked child, in the order it was registered."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_children: dict[object, Callable[[], object]] = {}
_installed = False


def on_fork(*, child: Callable[[], object]) -> Callable[[], None]:
    """Call *child* in every process that is forked from this one; return the undo."""
    global _installed
    if not _installed:
        _installed = True
        os.register_at_fork(after_in_child=_in_child)
    key = object()
    _children[key] = child

    def undo() -> None:
        _children.pop(key, None)

    return undo


def _in_child() -> None:
    for callback in list(_children.values()):
        # What telemetry cannot renew must not keep the application's child from running.
        try:
            callback()
        except Exception:  # noqa: S112  nobody to tell: logging's locks may be held here
            continue
