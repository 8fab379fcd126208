"""
Searching a long text a slice at a time, so that others can run in between.

Slices decide nothing: what is found is what a search at one go finds. An expression
whose matches are of bounded length is tried window by window, each with as much of the
text behind it as a match that begins in the window can need; one without a bound is
taken apart, into a beginning that is searched like this and what follows from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar


Item = TypeVar("Item")

if TYPE_CHECKING:
    import re

    from collections.abc import Callable, Iterator

    Step = Callable[[], None]
    """Called after each small piece of work, so that others may run."""


WINDOW = 1024
"""Characters that are searched at one go: less than a tenth of a millisecond."""


SHORT = 1024
"""Characters of a text that is searched at one go."""
_STEPS = 2000
_FEW = 128


def go_on() -> None:
    """Go on at once."""


class Exhausted(Exception):  # noqa: N818 - it ends a search, and is no error
    """A search has taken all the steps that it may."""


class Allowance:
    """
    So many steps and no more: where nobody else can run meanwhile, a search must end soon.

    Counted instead of timed, so that the same text always comes out the same.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _STEPS

    def step(self) -> None:
        """Raise `Exhausted` where this is one step too many."""
        self._left -= 1
        if self._left < 0:
            raise Exhausted


def find(
    pattern: re.Pattern[str], text: str, position: int, *, reach: int, step: Step
) -> re.Match[str] | None:
    """
    Return the first match at or after *position*, None where there is none.

    Whether there is a match, and which, must depend on no more than *reach* characters
    from where it begins.
    """
    size = len(text)
    while size - position > WINDOW + reach:
        border = position + WINDOW
        match = pattern.search(text, position, border + reach)
        if match is not None and match.start() < border:
            return match
        position = border
        step()
    return pattern.search(text, position)


def find_all(
    pattern: re.Pattern[str], text: str, *, reach: int, step: Step
) -> Iterator[re.Match[str]]:
    """Yield the matches that do not overlap, as ``finditer`` does; see `find`."""
    position = 0
    while (match := find(pattern, text, position, reach=reach, step=step)) is not None:
        yield match
        step()
        position = match.end()


def replace(
    pattern: re.Pattern[str],
    text: str,
    replacement: Callable[[re.Match[str]], str],
    *,
    reach: int,
    step: Step,
) -> str:
    """Return *text* with what *replacement* returns in the place of each match; see `find`."""
    if len(text) <= WINDOW + reach:
        return pattern.sub(replacement, text)
    spans = (
        (match.start(), match.end(), replacement(match))
        for match in find_all(pattern, text, reach=reach, step=step)
    )
    return spliced(text, spans)


def spliced(text: str, spans: Iterator[tuple[int, int, str]]) -> str:
    """Return *text* with the third of each of *spans* in the place of what they cover."""
    pieces = Pieces()
    position = 0
    for start, end, shown in spans:
        pieces.add(text[position:start])
        pieces.add(shown)
        position = end
    if not position:
        return text
    pieces.add(text[position:])
    return pieces.joined()


class Pieces:
    """The pieces of a text; joined little by little, since to free thousands takes a while."""

    __slots__ = ("_few", "_parts")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._few: list[str] = []

    def add(self, piece: str) -> None:
        """Add what stands behind all pieces so far."""
        self._few.append(piece)
        if len(self._few) >= _FEW:
            self._parts.append("".join(self._few))
            self._few.clear()

    def joined(self) -> str:
        """Return the text."""
        return "".join((*self._parts, *self._few))


def consumed(items: list[Item]) -> Iterator[Item]:
    """Yield *items* in their order, each freed when the next one is asked for."""
    items.reverse()
    while items:
        yield items.pop()
