"""Putting data points together that masking has made points of one series."""

from __future__ import annotations

import dataclasses

from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def merged(data: Any, points: Iterable[Any]) -> list[Any]:
    """Return *points* of *data*, those with equal attributes as one."""
    series: dict[Any, list[Any]] = {}
    for point in points:
        series.setdefault(_identity(point.attributes), []).append(point)
    merge = _merge_of(data)
    return [reduce(merge, group) for group in series.values()]


def _identity(attributes: Any) -> Any:
    return tuple(
        sorted((key, type(value).__name__, repr(value)) for key, value in attributes.items())
    )


def _merge_of(data: Any) -> Callable[[Any, Any], Any]:
    if isinstance(data, Gauge):
        return _latest
    if isinstance(data, Histogram):
        return _histogram
    return _exponential if isinstance(data, ExponentialHistogram) else _sum


def _latest(one: Any, other: Any) -> Any:
    return one if one.time_unix_nano >= other.time_unix_nano else other


def _sum(one: Any, other: Any) -> Any:
    return _both(one, other, value=one.value + other.value)


def _both(one: Any, other: Any, **values: Any) -> Any:
    return dataclasses.replace(
        one,
        start_time_unix_nano=min(one.start_time_unix_nano, other.start_time_unix_nano),
        time_unix_nano=max(one.time_unix_nano, other.time_unix_nano),
        exemplars=[*one.exemplars, *other.exemplars],
        **values,
    )


def _totals(one: Any, other: Any) -> dict[str, Any]:
    return {
        "count": one.count + other.count,
        "sum": one.sum + other.sum,
        "min": min(one.min, other.min),
        "max": max(one.max, other.max),
    }


def _histogram(one: Any, other: Any) -> Any:
    """Return both in one; views give all series of an instrument the same bounds."""
    counts = [a + b for a, b in zip(one.bucket_counts, other.bucket_counts, strict=True)]
    return _both(one, other, bucket_counts=counts, **_totals(one, other))


def _exponential(one: Any, other: Any) -> Any:
    """Return both in one, at the coarser scale (specification: exponential histogram, merging)."""
    scale = min(one.scale, other.scale)
    shifts = (one.scale - scale, other.scale - scale)
    return _both(
        one,
        other,
        scale=scale,
        zero_count=one.zero_count + other.zero_count,
        positive=_buckets((one.positive, other.positive), shifts),
        negative=_buckets((one.negative, other.negative), shifts),
        **_totals(one, other),
    )


def _buckets(sides: Sequence[Any], shifts: Sequence[int]) -> Buckets:
    counts: Counter[int] = Counter()
    for side, shift in zip(sides, shifts, strict=True):
        for index, count in enumerate(side.bucket_counts, side.offset):
            if count:
                counts[index >> shift] += count
    if not counts:
        return Buckets(0, [])
    first, last = min(counts), max(counts)
    return Buckets(first, [counts[index] for index in range(first, last + 1)])
