"""One key of attributes: what stands before its values on the wire, and its known texts."""

from __future__ import annotations

from typing import Any, Protocol

from otel_flow.otlp.wire import SIZES, VARINT_BYTES, message


_LENGTHS = 256
"""Bytes of a text before which the same stands each time, and is remembered."""
_TEXT, _TRUTH, _WHOLE, _REAL = b"\n", b"\x10", b"\x18", b"!"


class Owner(Protocol):
    """Encodes the texts that a key does not know."""

    def text(self, key: Key, value: str) -> bytes:
        """Return the whole field of a text, and keep it where it may come again."""
        ...


class Key(dict[str, bytes]):
    """
    The texts that are known of one key as whole fields, and what stands before other values.

    Fields begin with *tag*; *shown* is the key on the wire. What stands before a value
    follows from its type and the number of its bytes, so that a number that comes once
    costs less than to remember it.
    """

    __slots__ = (
        "_heads",
        "_owner",
        "_start",
        "_tag",
        "clear_below",
        "name",
        "real",
        "truths",
        "whole",
    )

    def __init__(
        self, tag: bytes, name: Any, shown: bytes, *, clear_below: int, owner: Owner
    ) -> None:
        super().__init__()
        self.name = name
        self._tag = tag
        self._start = message(b"\n", shown) + b"\x12"
        self._owner = owner
        self._heads: dict[int, bytes] = {}
        self.clear_below = clear_below
        """Numbers below it leave as they are; see `Redactor.clear_below`."""
        self.whole = [self._head(_WHOLE, size) for size in range(VARINT_BYTES + 1)]
        """Bytes of a whole number → what stands before it."""
        self.real = self._head(_REAL, 8)
        """What stands before a number that is not whole."""
        self.truths = [self._head(_TRUTH, 1) + value for value in (b"\x00", b"\x01")]
        """Truth value → the whole field."""

    def __missing__(self, value: str) -> bytes:
        return self._owner.text(self, value)

    def text(self, encoded: bytes) -> bytes:
        """Return the whole field of the text *encoded*."""
        size = len(encoded)
        if (head := self._heads.get(size)) is None:
            head = self._head(_TEXT + SIZES[size], size)
            if size <= _LENGTHS:
                self._heads[size] = head
        return head + encoded

    def around(self, value: bytes) -> bytes:
        """Return the whole field of *value*, an ``AnyValue``."""
        return self._before(len(value)) + value

    def _head(self, kind: bytes, size: int) -> bytes:
        return self._before(len(kind) + size) + kind

    def _before(self, size: int) -> bytes:
        inner = SIZES[size]
        whole = SIZES[len(self._start) + len(inner) + size]
        return b"".join((self._tag, whole, self._start, inner))
