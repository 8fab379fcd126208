"""Attributes from the arguments of a call, by an explicit list."""

from __future__ import annotations

import enum
import inspect

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otel_flow.measure.function import name_of


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Wanted = Iterable[str] | Mapping[str, str]
    Picker = Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Any]]


_ABSENT = object()
_LONGEST = 256
"""Characters of an argument's value: an attribute is a label, no payload."""


def picker(function: Callable[..., Any], wanted: Wanted) -> Picker:
    """
    Return what picks the *wanted* arguments of a call of *function* as attributes.

    *wanted* are names of parameters, or parameters with the names of their attributes.
    Raises `ValueError`, when the function is decorated, for a parameter it does not have.
    """
    names = wanted if isinstance(wanted, Mapping) else {name: name for name in wanted}
    if not names:
        return _nothing
    places = _places(function, names)

    def pick(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for parameter, position, default, attribute in places:
            value = keywords.get(parameter, _ABSENT)
            if value is _ABSENT:
                value = arguments[position] if -1 < position < len(arguments) else default
            if (plain := _plain(value)) is not None:
                found[attribute] = plain
        return found

    return pick


def _nothing(_arguments: tuple[Any, ...], _keywords: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _places(
    function: Callable[..., Any], names: Mapping[str, str]
) -> list[tuple[str, int, Any, str]]:
    parameters = inspect.signature(function).parameters
    if unknown := [name for name in names if name not in parameters]:
        known = ", ".join(parameters) or "none"
        raise ValueError(
            f"{name_of(function).qualified} has no parameter {', '.join(unknown)}; it has {known}"
        )
    positions = {
        name: position
        for position, (name, parameter) in enumerate(parameters.items())
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    }
    return [
        (name, positions.get(name, -1), _default(parameters[name]), attribute)
        for name, attribute in names.items()
    ]


def _default(parameter: inspect.Parameter) -> Any:
    return None if parameter.default is parameter.empty else parameter.default


def _plain(value: Any) -> str | bool | int | float | None:
    """Return *value* as a scalar; None stays out."""
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:_LONGEST]
