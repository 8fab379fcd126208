"""What a queued item weighs, roughly: enough to see that a few of them fill the memory."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from otel_flow.otlp.constant import Constant


ITEM_BYTES = 3200
"""A queued span of the SDK with a few short attributes; records are lighter."""

_CONTAINERS = (tuple, list)
_LIGHT = frozenset({bool, int, float, type(None)})
"""What an item of this weight has anyway."""


def weigh(item: Any) -> int:
    """Return about how many bytes *item*, a span or a log record, takes; never raises."""
    # Items may be anybody's, and their values anything.
    try:
        record = getattr(item, "log_record", item)
        attributes = getattr(record, "_attributes", None) or getattr(record, "attributes", None)
        # Parts, of which the plain ones are the item's alone.
        owned = attributes if type(attributes) is tuple else (attributes or {},)
        values = [value for part in owned if type(part) is not Constant for value in part.values()]
        values.append(getattr(record, "body", None))
        return ITEM_BYTES + sum(map(_weigh, values))
    except Exception:
        return ITEM_BYTES


def _weigh(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else getsizeof(value)
    if kind in _LIGHT:
        return 0
    size = getsizeof(value)
    # One level, as attributes of spans have it.
    if isinstance(value, _CONTAINERS):
        size += sum(map(getsizeof, value))
    elif isinstance(value, dict):
        size += sum(map(getsizeof, value.values()))
    return size
