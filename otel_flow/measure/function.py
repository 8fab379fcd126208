"""What is measured, by name and kind: a function, or an object that is called like one."""

from __future__ import annotations

import functools
import inspect

from typing import TYPE_CHECKING, Any, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable


class Name(NamedTuple):
    """Where a function stands."""

    module: str
    qualified: str

    def __str__(self) -> str:
        return f"{self.module}.{self.qualified}"


def name_of(function: Callable[..., Any]) -> Name:
    """Return the name of *function*: that of a partial one is its function's, an object's its class'."""
    while isinstance(function, functools.partial):
        function = function.func
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    return Name(getattr(named, "__module__", None) or "builtins", named.__qualname__)


def called(function: Callable[..., Any]) -> Any:
    """Return what runs when *function* is called: of an object its ``__call__``."""
    if inspect.isroutine(function) or isinstance(function, functools.partial):
        return function
    return function.__call__  # type: ignore[operator]
