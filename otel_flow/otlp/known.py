"""
What was encoded before and comes again: keys, their short texts, and short texts alone.

All are dicts that encode what they miss, so that the encoders need one look-up in C for
what they know. They forget everything when they are full, which costs little: what
comes often comes back at once.
"""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any

from otel_flow.otlp.key import Key
from otel_flow.otlp.redactor import DROPPED
from otel_flow.otlp.repair import ROOMY, Room, key_text, plain, text
from otel_flow.otlp.values import encode_text, encode_value
from otel_flow.otlp.wire import SIZES, message


if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_flow.otlp.redactor import Redactor
    from otel_flow.otlp.repair import Bounds


_ENTRIES = 2048
_SETS = 32_768
_LEAST = -(2**63)
_MASK64 = 2**64 - 1
_double = struct.Struct("<d").pack
_LONGEST = 128
"""Characters of a text that is remembered."""


class Pairs(dict[Any, Key]):
    """
    Attributes as fields that begin with *tag*, an attribute that is dropped as nothing.

    What is remembered by key are short texts; numbers are encoded as fast. Values that are
    too long to be remembered take of *room*, which the encoder of items renews.
    """

    def __init__(
        self,
        tag: bytes,
        redactor: Redactor | None = None,
        bounds: Bounds = ROOMY,
        room: Room | None = None,
    ) -> None:
        super().__init__()
        self._tag = tag
        self._redactor = redactor
        self._bounds = bounds
        self._room = room
        self._longest = min(bounds.text, _LONGEST)
        self._texts = 0

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """Return all of *attributes*; raises only what reading them raises."""
        found: list[bytes] = []
        # A dict of this class is subscripted by a method that looks for another one: twice as slow.
        known = self.get
        for name, value in attributes.items():
            key = known(name)
            if key is None:
                key = self[name]
            # Exact types: ``True``, ``1`` and ``1.0`` are equal.
            kind = type(value)
            if kind is str:
                found.append(key.get(value) or key[value])
            elif kind is int and _LEAST <= value < key.clear_below:
                number = SIZES[value & _MASK64]
                found += key.whole[len(number)], number
            elif kind is float and key.clear_below > 0:
                found += key.real, _double(value)
            elif kind is bool and key.clear_below > 0:
                found.append(key.truths[value])
            else:
                found.append(self._any(key, value))
        return b"".join(found)

    def __missing__(self, name: Any) -> Key:
        if len(self) >= _ENTRIES:
            self.clear()
            self._texts = 0
        shown = encode_text(key_text(name, self._bounds))
        below = self._clear_below(name)
        key = self[name] = Key(self._tag, name, shown, clear_below=below, owner=self)
        return key

    def _clear_below(self, name: Any) -> int:
        if self._redactor is None:
            return 2**63
        # A policy that raises here is asked about each value.
        try:
            return self._redactor.clear_below(name)
        except Exception:
            return _LEAST

    def text(self, key: Key, value: str) -> bytes:
        """Return the field of *value* under *key*, and remember it if it is short."""
        if len(value) > self._longest:
            return self._any(key, value)
        leaving = value
        if self._redactor is not None:
            leaving = redacted(self._redactor, key.name, value)
        if type(leaving) is str:
            encoded = key.text(leaving.encode("utf-8", "backslashreplace"))
        else:
            encoded = _field(key, leaving)
        self._texts += 1
        if self._texts > _ENTRIES:
            self._forget()
        key[value] = encoded
        return encoded

    def _forget(self) -> None:
        for key in self.values():
            key.clear()
        self._texts = 0

    def _any(self, key: Key, value: Any) -> bytes:
        return _field(key, cleared(self._redactor, key.name, value, self._bounds, self._room))


def _field(key: Key, value: Any) -> bytes:
    """Return the field of *value*, which is plain or `DROPPED`."""
    return b"" if value is DROPPED else key.around(encode_value(value))


class Sets(dict[int, "tuple[Mapping[str, Any], bytes]"]):
    """
    Attributes of data points as fields that begin with *tag*, each with its mapping by identity.

    A series gives the same mapping at every collection, and never changes it: it is
    kept alive so that no other object can take its place. Whoever looks here sees to it that
    the mapping is the same.
    """

    def __init__(
        self, tag: bytes, redactor: Redactor | None = None, bounds: Bounds = ROOMY
    ) -> None:
        super().__init__()
        self._pairs = Pairs(tag, redactor, bounds)

    def encode(self, attributes: Mapping[str, Any] | None) -> bytes:
        """Return all of *attributes*, and keep it; raises only what reading them raises."""
        if not attributes:
            return b""
        encoded = self._pairs.encode(attributes)
        if len(self) >= _SETS:
            self.clear()
        self[id(attributes)] = attributes, encoded
        return encoded


def cleared(
    redactor: Redactor | None, key: str, value: Any, bounds: Bounds, room: Room | None = None
) -> Any:
    """Return *value* as it may leave under *key*: plain, within *bounds* and *room*, redacted."""
    if type(value) is not str or len(value) > bounds.text:
        value = plain(value, bounds)
    if room is not None:
        room.take(value)
    return value if redactor is None else redacted(redactor, key, value)


def redacted(redactor: Redactor, key: str, value: Any) -> Any:
    """Return *value*, a plain one, as it may leave under *key*."""
    # What a policy of the user raises must neither let the value out nor cost the item.
    try:
        leaving = redactor.attribute(key, value)
    except Exception as error:
        return f"<not redacted: {type(error).__name__}>"
    return leaving if leaving is DROPPED or leaving is value else plain(leaving)


class Texts(dict[Any, bytes]):
    """Texts as fields that begin with *tag*, or *as_value* as an ``AnyValue`` in such a field."""

    def __init__(
        self,
        tag: bytes,
        redactor: Redactor | None = None,
        bounds: Bounds = ROOMY,
        *,
        as_value: bool = False,
    ) -> None:
        super().__init__()
        self._tag = tag
        self._redactor = redactor
        self._bounds = bounds
        self._as_value = as_value

    def __missing__(self, value: Any) -> bytes:
        if value is None:
            return b""
        encoded = self._encode(text(value, self._bounds))
        if type(value) is str and len(value) <= _LONGEST:
            if len(self) >= _ENTRIES:
                self.clear()
            self[value] = encoded
        return encoded

    def _encode(self, value: str) -> bytes:
        if self._redactor is not None:
            # As with attributes: what is not redacted does not leave.
            try:
                value = self._redactor.text(value)
            except Exception as error:
                value = f"<not redacted: {type(error).__name__}>"
        encoded = encode_text(value)
        if self._as_value:
            encoded = message(b"\n", encoded)
        return message(self._tag, encoded)
