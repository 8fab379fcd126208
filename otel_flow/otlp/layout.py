"""How the fields that every data point has lie beside each other, packed at one go."""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any, TypeVar

from otel_flow.otlp.repair import ITEM_BYTES, Unencodable
from otel_flow.otlp.wire import SIZES, message


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pack = Callable[..., bytes]


T = TypeVar("T")

_REMEMBERED = 256
_TIMES = 18
"""Bytes of the two times, each behind its tag."""
_NUMBER = _TIMES + 9
_SUMMARY = _NUMBER + 27
"""Bytes of times, count, sum, smallest and largest value."""


class NumberLayout(dict[int, "tuple[bytes, Pack, Pack]"]):
    """
    Bytes that follow the number → what begins the point, and what packs it.

    One packs whole numbers, the other those that are not.
    """

    def __missing__(self, rest: int) -> tuple[bytes, Pack, Pack]:
        head = begin(_NUMBER + rest)
        form = f"<{len(head)}scQcQc"
        return _kept(self, rest, (head, _pack(f"{form}q"), _pack(f"{form}d")))


class HistogramLayout(dict[int, "tuple[bytes, Pack]"]):
    """
    Bytes that follow the counts → what begins the point, and what packs it.

    *bounds* are the boundaries as they are on the wire, *buckets* the number of counts.
    """

    def __init__(self, bounds: bytes, buckets: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.before = message(b":", bounds) + b"2" + SIZES[8 * buckets]
        """What stands before the counts."""

    def __missing__(self, rest: int) -> tuple[bytes, Pack]:
        before, counts = len(self.before), self.buckets
        head = begin(_SUMMARY + before + 8 * counts + rest)
        pack = _pack(f"<{len(head)}scQcQcQcdcdcd{before}s{counts}Q")
        return _kept(self, rest, (head, pack))

    def around(self, counts: Sequence[int]) -> bytes:
        """Return boundaries and *counts* alone."""
        return self.before + struct.pack(f"<{self.buckets}Q", *counts)


def begin(size: int) -> bytes:
    """Return what begins a point of *size* bytes; raises `Unencodable` where that is too many."""
    if size > ITEM_BYTES:
        raise Unencodable("too_large")
    return b"\n" + SIZES[size]


_packs: dict[str, Pack] = {}


def _pack(form: str) -> Pack:
    # Forms differ by the bytes of lengths: there are far less of them than lengths.
    pack = _packs.get(form)
    return pack if pack is not None else _kept(_packs, form, struct.Struct(form).pack)


def _kept(known: dict[Any, T], key: Any, value: T) -> T:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[key] = value
    return value
