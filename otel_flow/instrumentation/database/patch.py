"""Methods of libraries, with something of ours around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable


def wrap(owner: Any, name: str, wrapper: Callable[[Any], Any]) -> Callable[[], None]:
    """Put *wrapper* around a method; the undo leaves what somebody else has put over ours."""
    original = getattr(owner, name)
    ours = wrapper(original)
    setattr(owner, name, ours)

    def restore() -> None:
        if vars(owner).get(name) is ours:
            setattr(owner, name, original)

    return restore
