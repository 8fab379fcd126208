"""What must stand still while the process forks, because its library cannot be copied in motion."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable


class _Holder(NamedTuple):
    hold: Callable[[], object]
    release: Callable[[], object]


_holders: dict[object, _Holder] = {}
_installed = False


def still_while_forking(
    hold: Callable[[], object], release: Callable[[], object]
) -> Callable[[], None]:
    """
    Call *hold* before each fork and *release* after it, in the parent; return the undo.

    The fork waits for *hold*, so that it must be short.
    """
    global _installed
    if not _installed:
        _installed = True
        os.register_at_fork(before=_before, after_in_parent=_in_parent)
    key = object()
    _holders[key] = _Holder(hold, release)

    def undo() -> None:
        _holders.pop(key, None)

    return undo


def _before() -> None:
    for holder in list(_holders.values()):
        _call(holder.hold)


def _in_parent() -> None:
    for holder in list(_holders.values()):
        _call(holder.release)


def _call(function: Callable[[], object]) -> None:
    # What telemetry cannot do must not keep the application from forking.
    try:
        function()
    except Exception:
        return
