"""``AnyValue`` and ``KeyValue`` (opentelemetry-proto, common.proto) of values that are plain."""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any

from otel_flow.otlp.wire import SIZES, message, signed


if TYPE_CHECKING:
    from collections.abc import Callable


_double = struct.Struct("<cd").pack


def encode_text(text: str) -> bytes:
    """Return *text* as UTF-8, with the escape of each lone surrogate in its place."""
    return text.encode("utf-8", "backslashreplace")


def encode_value(value: Any) -> bytes:
    """Return the ``AnyValue`` of *value*, which `otel_flow.otlp.repair.plain` has returned."""
    return _ENCODERS[type(value)](value)


def encode_pair(key: str, value: Any) -> bytes:
    """Return the ``KeyValue`` of *key* and *value*."""
    return message(b"\n", encode_text(key)) + message(b"\x12", encode_value(value))


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "backslashreplace")
    return b"".join((b"\n", SIZES[len(encoded)], encoded))


def _boolean(value: bool) -> bytes:
    return b"\x10\x01" if value else b"\x10\x00"


def _whole(value: int) -> bytes:
    return b"\x18" + signed(value)


def _real(value: float) -> bytes:
    return _double(b"!", value)


def _sequence(values: tuple[Any, ...]) -> bytes:
    return message(b"*", b"".join([message(b"\n", encode_value(value)) for value in values]))


def _mapping(values: dict[str, Any]) -> bytes:
    pairs = [message(b"\n", encode_pair(key, value)) for key, value in values.items()]
    return message(b"2", b"".join(pairs))


def _bytes(value: bytes) -> bytes:
    return b":%b%b" % (SIZES[len(value)], value)


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"",
    str: _text,
    bool: _boolean,
    int: _whole,
    float: _real,
    bytes: _bytes,
    tuple: _sequence,
    list: _sequence,
    dict: _mapping,
}
