"""The protobuf wire format, as far as OTLP uses it (protobuf.dev, Encoding)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Iterator


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_MASK64 = 2**64 - 1
VARINT_BYTES = 10
"""How many bytes a number of 64 bits takes at most."""


class WireError(ValueError):
    """The bytes are no protobuf message."""


class _Varints(dict[int, bytes]):
    """Numbers, not negative, in groups of seven bits, the lowest first; small ones are kept."""

    def __missing__(self, number: int) -> bytes:
        if 0x7F < number < 0x10000000:  # noqa: PLR2004  what is common in two to four groups
            if number < 0x4000:  # noqa: PLR2004
                return bytes((number & 0x7F | 0x80, number >> 7))
            first, second = number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80
            if number < 0x200000:  # noqa: PLR2004
                return bytes((first, second, number >> 14))
            return bytes((first, second, number >> 14 & 0x7F | 0x80, number >> 21))
        encoded = bytearray()
        while number > 0x7F:  # noqa: PLR2004  seven bits
            encoded.append(number & 0x7F | 0x80)
            number >>= 7
        encoded.append(number)
        return bytes(encoded)


SIZES = _Varints()
SIZES.update({number: SIZES[number] for number in range(1024)})
"""Length of a message → its varint."""


def signed(number: int) -> bytes:
    """Return *number* of the type int64 as a varint: two's complement in 64 bits."""
    return SIZES[number & _MASK64]


def zigzag(number: int) -> bytes:
    """Return *number* of the type sint32 as a varint: small for small magnitudes."""
    return SIZES[(number << 1) ^ (number >> 31)]


def message(tag: bytes, body: bytes) -> bytes:
    """Return *body* as a length-delimited field that begins with *tag*."""
    return b"%b%b%b" % (tag, SIZES[len(body)], body)


class Field(NamedTuple):
    """One field as it was read: *raw* with its tag, the *value* a number or the bytes in it."""

    number: int
    value: int | bytes
    raw: bytes


def fields(encoded: bytes) -> Iterator[Field]:
    """Yield the fields of a message in their order; raises `WireError` where it is none."""
    position = 0
    while position < len(encoded):
        start = position
        tag, position = _read_varint(encoded, position)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, position = _read_varint(encoded, position)
        else:
            value, position = _read_bytes(encoded, position, kind)
        if not number:
            raise WireError("a field has the number 0")
        yield Field(number, value, encoded[start:position])


def _read_varint(encoded: bytes, position: int) -> tuple[int, int]:
    number = 0
    for place in range(VARINT_BYTES):
        if position >= len(encoded):
            raise WireError("a number is cut off")
        byte = encoded[position]
        position += 1
        number |= (byte & 0x7F) << (7 * place)
        if byte <= 0x7F:  # noqa: PLR2004  the last of its bytes
            return number & _MASK64, position
    raise WireError("a number has more than 64 bits")


def _read_bytes(encoded: bytes, position: int, kind: int) -> tuple[bytes, int]:
    if kind == _LENGTH:
        length, position = _read_varint(encoded, position)
    elif kind in _WIDTHS:
        length = _WIDTHS[kind]
    else:
        raise WireError(f"wire type {kind} is none that OTLP uses")
    end = position + length
    if end > len(encoded):
        raise WireError("a field is cut off")
    return encoded[position:end], end
