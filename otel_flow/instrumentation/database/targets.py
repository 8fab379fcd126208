"""Which targets of one library are recorded: those that were named, or all but those taken out."""

from __future__ import annotations

import functools
import logging
import weakref

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("otel_flow.instrumentation")


class Recorder(Protocol):
    """What records a target."""

    def forget(self) -> None:
        """Leave the target as it was."""


T = TypeVar("T")
R = TypeVar("R", bound=Recorder)

UNSEEN: Any = object()
"""Stands for a target that nobody has decided about."""


class Targets(Generic[T, R]):
    """
    The targets that are recorded, with our hooks in the library as long as there is one.

    What records a target is kept in the ``__dict__`` of the target's *owner* under
    *attribute*, where the hooks find it fastest: None for nothing.
    """

    def __init__(
        self,
        attribute: str,
        *,
        owner: Callable[[T], Any],
        hook: Callable[[Callable[[T], R | None]], Callable[[], None]],
        first: Callable[[], None] = lambda: None,
    ) -> None:
        self._attribute = attribute
        self._owner = owner
        self._install = hook
        self._first = first
        self._make: Callable[[T], R] | None = None
        self._among_all: weakref.WeakSet[Any] = weakref.WeakSet()
        """Owners of those that are recorded since every target is."""
        self._named = 0
        self._unhook: Callable[[], None] | None = None

    def instrument_all(self, make: Callable[[T], R]) -> Callable[[], None]:
        """Record every target that has no recorder of its own; return the undo."""
        if self._make is not None:
            return lambda: None
        self._make = make
        self._hook()
        return self.uninstrument_all

    def uninstrument_all(self) -> None:
        """Record only the targets that were named."""
        self._make = None
        for owner in list(self._among_all):
            self._forget(owner)
        self._among_all.clear()
        self._unhook_if_idle()

    def instrument(self, target: T, make: Callable[[T], R]) -> Callable[[], None]:
        """Record *target*; return the undo."""
        owner = self._owner(target)
        if self._is_named(owner):
            return lambda: None
        self._among_all.discard(owner)
        self._forget(owner)
        vars(owner)[self._attribute] = make(target)
        self._named += 1
        self._hook()
        return functools.partial(self.uninstrument, target)

    def uninstrument(self, target: T) -> None:
        """Record *target* no more, not even where every other is recorded."""
        owner = self._owner(target)
        if self._is_named(owner):
            self._named -= 1
        self._among_all.discard(owner)
        self._forget(owner)
        vars(owner)[self._attribute] = None
        self._unhook_if_idle()

    def recorder_of(self, target: T) -> R | None:
        """Return what records *target*; None if it is not recorded."""
        owner = self._owner(target)
        found = vars(owner).get(self._attribute, UNSEEN)
        if found is UNSEEN and self._make is not None:
            # Whatever fails in here is ours alone.
            try:
                self._first()
                found = vars(owner).setdefault(self._attribute, self._make(target))
                self._among_all.add(owner)
            except Exception:
                logger.warning("%r is not recorded", target, exc_info=True)
                found = vars(owner)[self._attribute] = None
        return None if found is UNSEEN else found

    def _is_named(self, owner: Any) -> bool:
        return vars(owner).get(self._attribute) is not None and owner not in self._among_all

    def _forget(self, owner: Any) -> None:
        recorder = vars(owner).pop(self._attribute, None)
        if recorder is not None:
            recorder.forget()

    def _hook(self) -> None:
        if self._unhook is None:
            self._unhook = self._install(self.recorder_of)

    def _unhook_if_idle(self) -> None:
        if self._unhook is not None and self._make is None and self._named == 0:
            self._unhook()
            self._unhook = None
