"""What sets up stdlib logging after us: our handler steps aside for it, and is put back."""

from __future__ import annotations

import functools
import logging
import logging.config

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Detached = Callable[[], AbstractContextManager[None]]


_SETUPS = (
    # Called by dictConfig, also by one that was imported before us.
    (logging.config.DictConfigurator, "configure"),
    (logging.config, "fileConfig"),
    # Does nothing where there is a handler already, such as ours.
    (logging, "basicConfig"),
)


def follow_setups(detached: Detached) -> Callable[[], None]:
    """Run whatever sets up logging while the handler is *detached*; return the undo."""
    undos = [_wrap(owner, name, detached) for owner, name in _SETUPS]

    def undo() -> None:
        for each in undos:
            each()

    return undo


def _wrap(owner: Any, name: str, detached: Detached) -> Callable[[], None]:
    original = getattr(owner, name)

    @functools.wraps(original)
    def set_up(*arguments: Any, **keywords: Any) -> Any:
        with detached():
            return original(*arguments, **keywords)

    setattr(owner, name, set_up)

    def undo() -> None:
        if getattr(owner, name) is set_up:
            setattr(owner, name, original)

    return undo
