"""
Making values that applications record fit for OTLP, so that what was done can be seen.

A value arrives as it is where OTLP can carry it. Whatever it cannot carry becomes a
text that tells: an integer over 64 bits its digits, an object what ``str`` makes of it,
a lone surrogate its escape, and what is too long, too many or nested too deep is cut
with a mark ``<cut: …>``. Nothing here raises, whatever the application's objects do.
"""

from __future__ import annotations

import dataclasses

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


_LONGEST_DIGITS = 4096
"""Bits of an integer whose digits are written; more would cost seconds."""
_INT64 = range(-(2**63), 2**63)


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """
    How large one value may be.

    *text* counts the characters of one text, *other* those of a key and the bytes of one
    byte string, *elements* all values inside one value, *depth* their nesting: decoders refuse
    messages that are nested more than a hundred deep. *marked* tells whether a text
    that was cut says so, at the cost of being longer than *text*.
    """

    text: int = 64 * 1024
    other: int = 64 * 1024
    elements: int = 10_000
    depth: int = 16
    marked: bool = True


ROOMY = Bounds()
"""What a value may be as long as its item is not too large."""
TIGHT = Bounds(text=1024, other=1024, elements=100, depth=4)
"""What values are cut down to where the item as a whole is too large."""
ITEM_BYTES = 1024 * 1024
"""An item above this is encoded again, tightly, and dropped where it is above it still."""


class Unencodable(Exception):  # noqa: N818  what the item is, as in the count of dropped ones
    """The item cannot be sent; *reason* is what it is counted under."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooLargeError(Unencodable):
    """The item is above `ITEM_BYTES`."""

    def __init__(self) -> None:
        super().__init__("too_large")


class Room:
    """
    What the values of one item may still take, so that none is redacted in vain.

    Redaction looks at every character; of an item that is too large that would cost seconds.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = ITEM_BYTES

    def take(self, value: Any) -> None:
        """Take the room of *value*, a plain one; raises `TooLargeError` where there is none."""
        self.left -= _weight(value)
        if self.left < 0:
            raise TooLargeError


def _weight(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _weight(inner) for key, inner in value.items())
    return sum(map(_weight, value)) if isinstance(value, tuple) else 0


def plain(value: Any, bounds: Bounds = ROOMY) -> Any:
    """
    Return *value* made of what OTLP carries, within *bounds*.

    That is None, ``bool``, ``int`` of 64 bits, ``float``, ``str``, ``bytes``, and tuples
    and dicts of them. What the application's own classes raise is told in the value.
    """
    return _Walk(bounds).plain(value, 0)


def text(value: Any, bounds: Bounds = ROOMY) -> str:
    """Return *value* as a text within *bounds*; never raises."""
    if not isinstance(value, str):
        value = _printed(value)
    return _cut(str.__str__(value), bounds.text, bounds)


def key_text(value: Any, bounds: Bounds = ROOMY) -> str:
    """Return *value* as a key within *bounds*; never raises."""
    if not isinstance(value, str):
        value = _printed(value)
    return _cut(str.__str__(value), bounds.other, bounds)


class _Walk:
    """One value on its way; counts its elements, so that cycles come to an end."""

    __slots__ = ("_bounds", "_left")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._left = bounds.elements

    def plain(self, value: Any, depth: int) -> Any:
        for kind, read in _READERS:
            if isinstance(value, kind):
                return read(self, value, depth)
        return text(value, self._bounds)

    def _same(self, value: Any, _depth: int) -> Any:
        return value

    def _text(self, value: str, _depth: int) -> str:
        return _cut(str.__str__(value), self._bounds.text, self._bounds)

    def _whole(self, value: int, _depth: int) -> int | str:
        return _whole(int.__index__(value))

    def _real(self, value: float, _depth: int) -> float:
        return float.__float__(value)

    def _container(self, value: Any, depth: int) -> Any:
        """Return what *value* holds, or which of its methods cannot be used."""
        if depth >= self._bounds.depth:
            return "<cut: nested too deep>"
        read = self._mapping if isinstance(value, Mapping) else self._sequence
        # Containers of the application may raise, change meanwhile or have no end.
        try:
            return read(value, depth + 1)
        except Exception as error:
            return f"<unreadable {type(value).__name__}: {type(error).__name__}>"

    def _bytes(self, value: Any, _depth: int) -> Any:
        data = bytes(value)
        return data if len(data) <= self._bounds.other else f"<cut: {len(data)} bytes>"

    def _sequence(self, values: Iterable[Any], depth: int) -> tuple[Any, ...]:
        kept = []
        for value in values:
            if not self._spend():
                kept.append("<cut: too many elements>")
                break
            kept.append(self.plain(value, depth))
        return tuple(kept)

    def _mapping(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in values.items():
            if not self._spend():
                kept["<cut>"] = "<cut: too many elements>"
                break
            kept[key_text(key, self._bounds)] = self.plain(value, depth)
        return kept

    def _spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


_READERS: tuple[tuple[Any, Callable[[_Walk, Any, int], Any]], ...] = (
    ((type(None), bool), _Walk._same),
    (str, _Walk._text),
    (int, _Walk._whole),
    (float, _Walk._real),
    ((bytes, bytearray, memoryview), _Walk._bytes),
    ((Mapping, Sequence), _Walk._container),
)


def _whole(number: int) -> int | str:
    if number in _INT64:
        return number
    bits = number.bit_length()
    return str(number) if bits <= _LONGEST_DIGITS else f"<cut: an integer of {bits} bits>"


def _cut(value: str, length: int, bounds: Bounds) -> str:
    if len(value) <= length:
        return value
    mark = f"<cut: {len(value)} characters>" if bounds.marked else ""
    return value[:length] + mark


def _printed(value: Any) -> str:
    # An exception that is none of Exception, SystemExit say, would end our thread; the
    # interrupt of the user's keyboard is never the object's own.
    try:
        return str(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"<unprintable {type(value).__name__}: {type(error).__name__}>"
