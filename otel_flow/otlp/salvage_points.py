"""What can be read of a data point or exemplar whose fields are not what they should be."""

from __future__ import annotations

import math
import numbers

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from otel_flow.otlp.repair import Unencodable, plain
from otel_flow.otlp.salvage import nanoseconds


if TYPE_CHECKING:
    from otel_flow.otlp.repair import Bounds


_INT64 = range(-(2**63), 2**63)
_UNSIGNED_64 = 2**64 - 1
_SINT32 = range(-(2**31), 2**31)
_IDS = {"trace_id": 2**128, "span_id": 2**64}


class Salvaged(SimpleNamespace):
    """What could be read of a point or an exemplar."""


def salvaged_point(point: Any, bounds: Bounds) -> Salvaged:
    """
    Return the fields of *point*, named as the SDK names them, fit for the encoder.

    A whole number over 64 bits becomes a float. Raises `Unencodable` where the values
    are no numbers: a point without them says nothing.
    """
    fields = dict(vars(point))
    times = ("start_time_unix_nano", "time_unix_nano")
    fields |= {name: nanoseconds(fields.get(name)) for name in times}
    attributes = plain(fields.get("attributes"), bounds)
    fields["attributes"] = attributes if isinstance(attributes, dict) else {}
    for name, convert in _FIELDS.items():
        if name in fields:
            fields[name] = convert(fields[name])
    return Salvaged(**fields)


def salvaged_exemplar(exemplar: Any, bounds: Bounds) -> Any:
    """Return the fields of *exemplar* fit for the encoder, None where its value is no number."""
    # Whatever stands in the place of an exemplar.
    try:
        kept = salvaged_point(exemplar, bounds)
        kept.filtered_attributes = plain(dict(exemplar.filtered_attributes or {}), bounds)
        for name, limit in _IDS.items():
            value = getattr(exemplar, name)
            valid = type(value) is int and 0 <= value < limit
            setattr(kept, name, value if valid else None)
    except Exception:
        return None
    return kept


def _number(value: Any) -> int | float:
    if isinstance(value, int) and value in _INT64:
        return int(value)
    return _real(value)


def _real(value: Any) -> float:
    if not isinstance(value, numbers.Real):
        raise Unencodable("no_number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if abs(value) == value else -math.inf


def _real_or_none(value: Any) -> float | None:
    return None if value is None else _real(value)


def _count(value: Any) -> int:
    if not isinstance(value, int):
        raise Unencodable("no_number")
    return min(max(int(value), 0), _UNSIGNED_64)


def _counts(values: Any) -> tuple[int, ...]:
    return tuple(_count(value) for value in values)


def _bounds(values: Any) -> tuple[float, ...]:
    return tuple(_real(value) for value in values)


def _small(value: Any) -> int:
    if type(value) is int and value in _SINT32:
        return value
    raise Unencodable("no_number")


def _buckets(buckets: Any) -> Any:
    counts = _counts(buckets.bucket_counts)
    return SimpleNamespace(offset=_small(buckets.offset), bucket_counts=counts)


_FIELDS = {
    "value": _number,
    "count": _count,
    "sum": _real_or_none,
    "min": _real_or_none,
    "max": _real_or_none,
    "bucket_counts": _counts,
    "explicit_bounds": _bounds,
    "scale": _small,
    "zero_count": _count,
    "positive": _buckets,
    "negative": _buckets,
    "flags": _count,
}
