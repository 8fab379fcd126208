"""One method of a client class: replaced for all its instances, or for single ones."""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.outgoing.client import HttpClient

    Wrap = Callable[[Callable[..., Any], HttpClient], Callable[..., Any]]


class SendMethod:
    """
    The method *name* of *kind* that sends one request.

    Clients made before and after are covered alike, because the class is patched; a client
    that was named has the method of its own, which is not recorded twice.
    """

    def __init__(self, kind: type, name: str, wrap: Wrap) -> None:
        self._kind = kind
        self._name = name
        self._wrap = wrap
        self._original: Callable[..., Any] | None = None

    def instrument_all(self, client: HttpClient) -> Callable[[], None]:
        """Record the requests of every instance; return the undo."""
        if self._original is None:
            original = getattr(self._kind, self._name)
            self._original = original
            setattr(self._kind, self._name, functools.wraps(original)(self._wrap(original, client)))
        return self.uninstrument_all

    def uninstrument_all(self) -> None:
        """Record only instances that were named."""
        if self._original is not None:
            setattr(self._kind, self._name, self._original)
            self._original = None

    def instrument(self, target: Any, client: HttpClient) -> Callable[[], None]:
        """Record the requests of *target*; return the undo."""
        if self._name not in vars(target):
            original = self._original or getattr(self._kind, self._name)
            wrapped = functools.wraps(original)(self._wrap(original, client))
            setattr(target, self._name, functools.partial(wrapped, target))
        return functools.partial(self.uninstrument, target)

    def uninstrument(self, target: Any) -> None:
        """Record *target* no more by itself."""
        vars(target).pop(self._name, None)
