"""How far an expression looks, which tells whether a text can be cut for it."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator


LONGEST = 2048
"""Characters: an expression that looks further is tried on the whole text."""
_ENDS = 2
"""Characters behind a match that ``$`` and ``\\b`` look at."""


def reach_of(pattern: re.Pattern[str]) -> int | None:
    """
    Return how many characters from its beginning on decide about a match of *pattern*.

    None where that is not known or more than `LONGEST`, or where a match may be empty.
    """
    # The parser is the standard library's own affair: without it nothing is cut.
    try:
        parsed: Any = re._parser.parse(pattern.pattern, pattern.flags)  # type: ignore[attr-defined]
        shortest, longest = parsed.getwidth()
        ahead = sum(longest for _, longest in map(_width, _looks_ahead(parsed)))
    except Exception:
        return None
    reach: int = longest + ahead + _ENDS
    return reach if shortest and reach <= LONGEST else None


def _width(parsed: Any) -> tuple[int, int]:
    width: tuple[int, int] = parsed.getwidth()
    return width


def _looks_ahead(parsed: Any) -> Iterator[Any]:
    """Yield what *parsed* looks for behind a place without taking it."""
    for operation, value in parsed:
        if str(operation) in {"ASSERT", "ASSERT_NOT"} and value[0] > 0:
            yield value[1]
        for part in _parts(value):
            yield from _looks_ahead(part)


def _parts(value: Any) -> Iterator[Any]:
    if hasattr(value, "getwidth"):
        yield value
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _parts(inner)
