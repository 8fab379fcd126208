"""
What was encoded before and comes again: pairs of key and value, and short texts.

Both are dicts that encode what they miss, so that the encoders need one look-up in C for
what they know. They forget everything when they are full, which costs little: what
comes often comes back at once.
"""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any

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
_INT64 = range(-(2**63), 2**63)
_MASK64 = 2**64 - 1
_double = struct.Struct("<d").pack
_LONGEST = 128
"""Characters of a text that is remembered."""


class Pairs(dict[tuple[str, Any], bytes]):
    """
    Attributes as fields that begin with *tag*, an attribute that is dropped as nothing.

    Only pairs whose value is a text are entries, because ``True``, ``1`` and ``1.0`` are
    equal; whole numbers and truth values are remembered beside them. Values that are too long to be
    remembered take of *room*, which the encoder of items renews.
    """

    def __init__(
        self,
        tag: bytes,
        redactor: Redactor | None = None,
        bounds: Bounds = ROOMY,
        room: Room | None = None,
    ) -> None:
        super().__init__()
        self._room = room
        self._tag = tag
        self._redactor = redactor
        self._bounds = bounds
        self._longest = min(bounds.text, _LONGEST)
        self._keys: dict[str, bytes] = {}
        self._whole: dict[tuple[str, int], bytes] = {}
        self._truths: dict[tuple[str, bool], bytes] = {}

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """Return all of *attributes*; raises only what reading them raises."""
        try:
            return b"".join(map(self.__getitem__, attributes.items()))
        except TypeError:
            # A value that cannot be hashed, such as a dict.
            return b"".join([self.__missing__(pair) for pair in attributes.items()])

    def __missing__(self, pair: tuple[str, Any]) -> bytes:
        key, value = pair
        kind = type(value)
        if kind is str:
            if len(value) <= self._longest:
                return self._keep(pair, self, self._text(key, value))
        elif kind is int:
            known = self._whole.get(pair)
            if known is not None:
                return known
            if value in _INT64:
                return self._keep(pair, self._whole, self._number(key, value))
        elif kind is float:
            return self._real(key, value)
        elif kind is bool:
            known = self._truths.get(pair)
            return known or self._keep(pair, self._truths, self._any(key, value))
        return self._any(key, value)

    def _keep(
        self, pair: tuple[str, Any], known: dict[tuple[str, Any], bytes], encoded: bytes
    ) -> bytes:
        if len(known) >= _ENTRIES:
            known.clear()
        known[pair] = encoded
        return encoded

    # Each common type at one go: a call less for each value that comes once.

    def _text(self, key: str, value: str) -> bytes:
        if self._redactor is not None:
            leaving = redacted(self._redactor, key, value)
            if leaving is not value:
                return self._field(key, leaving)
        encoded = value.encode("utf-8", "backslashreplace")
        size = SIZES[len(encoded)]
        known = self._keys.get(key) or self._key(key)
        inner = len(encoded) + len(size) + 1
        outer = SIZES[inner]
        whole = SIZES[len(known) + len(outer) + inner]
        return b"".join((self._tag, whole, known, outer, b"\n", size, encoded))

    def _number(self, key: str, value: int) -> bytes:
        if self._redactor is not None:
            leaving = redacted(self._redactor, key, value)
            if leaving is not value:
                return self._field(key, leaving)
        encoded = SIZES[value & _MASK64]
        known = self._keys.get(key) or self._key(key)
        inner = len(encoded) + 1
        whole = SIZES[len(known) + 1 + inner]
        return b"".join((self._tag, whole, known, SIZES[inner], b"\x18", encoded))

    def _real(self, key: str, value: float) -> bytes:
        if self._redactor is not None:
            leaving = redacted(self._redactor, key, value)
            if leaving is not value:
                return self._field(key, leaving)
        known = self._keys.get(key) or self._key(key)
        return b"".join((self._tag, SIZES[len(known) + 10], known, b"\t!", _double(value)))

    def _any(self, key: str, value: Any) -> bytes:
        return self._field(key, cleared(self._redactor, key, value, self._bounds, self._room))

    def _field(self, key: str, value: Any) -> bytes:
        """Return the field of *value*, which is plain or `DROPPED`."""
        if value is DROPPED:
            return b""
        encoded = encode_value(value)
        size = SIZES[len(encoded)]
        known = self._keys.get(key) or self._key(key)
        whole = SIZES[len(known) + len(size) + len(encoded)]
        return b"".join((self._tag, whole, known, size, encoded))

    def _key(self, key: Any) -> bytes:
        """Return the key of a ``KeyValue`` and the tag of the value that follows."""
        encoded = message(b"\n", encode_text(key_text(key, self._bounds))) + b"\x12"
        if len(self._keys) >= _ENTRIES:
            self._keys.clear()
        self._keys[key] = encoded
        return encoded


class Sets:
    """
    Attributes of data points as fields that begin with *tag*.

    A series gives the same mapping at every collection, and never changes it: it is
    recognised by identity, and kept alive so that no other object can take its place.
    """

    def __init__(
        self, tag: bytes, redactor: Redactor | None = None, bounds: Bounds = ROOMY
    ) -> None:
        self._pairs = Pairs(tag, redactor, bounds)
        self._known: dict[int, tuple[Mapping[str, Any], bytes]] = {}

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """Return all of *attributes*; raises only what reading them raises."""
        known = self._known.get(id(attributes))
        if known is not None and known[0] is attributes:
            return known[1]
        encoded = self._pairs.encode(attributes)
        if len(self._known) >= _SETS:
            self._known.clear()
        self._known[id(attributes)] = attributes, encoded
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
