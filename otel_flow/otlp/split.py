"""Splitting encoded export requests, without decoding what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.otlp.wire import fields, message


if TYPE_CHECKING:
    from collections.abc import Sequence


_RESOURCE, _SCOPE, _ITEM = frozenset({1}), frozenset({2}), frozenset({2})
_DATA, _POINT = frozenset({5, 7, 9, 10, 11}), frozenset({1})
_TO_ITEMS = (_RESOURCE, _SCOPE, _ITEM)

PATHS = {
    "traces": _TO_ITEMS,
    "logs": _TO_ITEMS,
    "metrics": (*_TO_ITEMS, _DATA, _POINT),
}
"""Signal → the fields that lead to its spans, log records or data points."""


def halves(request: bytes, signal: str, items: int) -> tuple[bytes, bytes]:
    """
    Return the first half of the *items* in *request* and the rest, each a whole request.

    Raises `otel_flow.otlp.wire.WireError` where *request* is none.
    """
    path = PATHS[signal]
    middle = items // 2
    first, _ = _cut(request, path, 0, range(middle))
    rest, _ = _cut(request, path, 0, range(middle, items))
    return first, rest


def _cut(
    encoded: bytes, path: Sequence[frozenset[int]], position: int, kept: range
) -> tuple[bytes, int]:
    """
    Return *encoded* with only those items whose positions are *kept*, and the next position.

    What surrounds no kept item is left out; everything else stays as it was.
    """
    parts: list[bytes] = []
    holds = False
    for field in fields(encoded):
        if field.number not in path[0] or not isinstance(field.value, bytes):
            parts.append(field.raw)
        elif len(path) == 1:
            if position in kept:
                parts.append(field.raw)
                holds = True
            position += 1
        else:
            inner, position = _cut(field.value, path[1:], position, kept)
            if inner:
                tag = field.raw[:1]
                parts.append(message(tag, inner))
                holds = True
    return (b"".join(parts) if holds else b""), position
