"""Values of log events as plain data: typed where OTLP and JSON have the type, never an error."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import uuid

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any


_PLAIN = (bool, int, str)
_DEPTH = 8
"""How deep nested data is followed."""
_INT64 = 2**63

CYCLE = "<cycle>"

CLEAN = frozenset({bool, type(None)})
"""Types whose values are plain, whatever they are."""


def plain(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """
    Return *value* as None, bool, int, float, str, list or dict.

    Whatever refers to itself, is nested too deep or raises when it is shown
    becomes a text that says so: no value of the application can stop its event.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else encodable(value)
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    # Mappings, sequences and reprs are the application's code.
    try:
        return _converted(value, seen)
    except Exception as error:
        return f"<unrepresentable {kind.__qualname__}: {type(error).__name__}>"


def _converted(value: Any, seen: tuple[int, ...]) -> Any:  # noqa: PLR0911 - one return a type
    if id(value) in seen:
        return CYCLE
    if len(seen) >= _DEPTH:
        return text(value)
    inside = (*seen, id(value))
    if isinstance(value, enum.Enum):
        return plain(value.value, inside)
    if isinstance(value, Mapping):
        return {text(key): plain(item, inside) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return [plain(item, inside) for item in sorted(value, key=repr)]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [plain(item, inside) for item in value]
    return _scalar(value, inside)


def _scalar(value: Any, seen: tuple[int, ...]) -> Any:  # noqa: PLR0911 - one return a type
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | decimal.Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, _PLAIN):
        return plain(str(value) if isinstance(value, str) else int(value), seen)
    if isinstance(value, float):
        return plain(float(value), seen)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # What a class keeps out of its repr is kept out of logs.
        fields = [field for field in dataclasses.fields(value) if field.repr]
        return {field.name: plain(getattr(value, field.name), seen) for field in fields}
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return plain(_dumped(dump), seen)
    if isinstance(value, BaseException):
        return f"{type(value).__qualname__}: {text(value)}"
    return text(value)


def _dumped(dump: Any) -> Any:
    """Return a pydantic model as a mapping; one that holds what it should not gives no warning."""
    try:
        return dump(warnings=False)
    except TypeError:
        return dump()


def text(value: Any) -> str:
    """Return ``str(value)``, or what can be said of a value that does not allow it."""
    try:
        return encodable(str(value))
    except Exception as error:
        return f"<unrepresentable {type(value).__qualname__}: {type(error).__name__}>"


def encodable(value: str) -> str:
    """Return *value* with lone surrogates escaped: UTF-8 has no bytes for them."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return str(value)
