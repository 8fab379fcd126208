"""What waits for a library to be imported: nobody pays for one that a program does not use."""

from __future__ import annotations

import sys

from typing import TYPE_CHECKING

from wrapt import register_post_import_hook


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


_waiting: dict[str, list[Callable[[], None]]] = {}
"""Module that we have a hook for → what to call once it is there."""


def when_imported(module: str, call: Callable[[], None]) -> Callable[[], None]:
    """
    Call *call* when *module* has been imported, at once if it has; return what calls it off.

    *call* must not raise: it is called inside of the program's import.
    """
    if _is_there(module):
        call()
        return lambda: None
    expect(module)
    waiting = _waiting[module]
    waiting.append(call)

    def call_off() -> None:
        if call in waiting:
            waiting.remove(call)

    return call_off


def expect(module: str) -> None:
    """
    Know of the end of an import of *module* that begins from now on.

    What it imports itself may be what an adapter waits for, which then finds it by half.
    """
    if module not in _waiting:
        _waiting[module] = []
        register_post_import_hook(_arrived, module)


def call_all_off(module: str) -> None:
    """Call off whatever waits for *module*."""
    _waiting.get(module, []).clear()


def _is_there(module: str) -> bool:
    found = sys.modules.get(module)
    if found is None or module not in _waiting:
        return found is not None
    return not getattr(getattr(found, "__spec__", None), "_initializing", False)


def _arrived(module: ModuleType) -> None:
    waiting = _waiting[module.__name__]
    while waiting:
        waiting.pop(0)()
