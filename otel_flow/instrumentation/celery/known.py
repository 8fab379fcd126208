"""What is known of each application, at hand for the one that was asked for last."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any, Generic, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


Found = TypeVar("Found")


def _nobody() -> None:
    return None


class ByApplication(Generic[Found]):
    """
    What *find* finds for an application, once, as long as that lives.

    Most processes have one application, which is asked for with each task.
    """

    __slots__ = ("_all", "_find", "_last")

    def __init__(self, find: Callable[[Celery], Found]) -> None:
        self._find = find
        self._all: weakref.WeakKeyDictionary[Any, Found] = weakref.WeakKeyDictionary()
        self._last: tuple[Callable[[], Any], Any] = _nobody, None

    def of(self, app: Celery) -> Found:
        """Return what there is for *app*; raises what finding it raises."""
        known, value = self._last
        if known() is app:
            found: Found = value
            return found
        if app not in self._all:
            self._all[app] = self._find(app)
        found = self._all[app]
        self._last = weakref.ref(app), found
        return found
