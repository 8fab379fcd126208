"""Exponential histograms for a text format that has none: as buckets at powers of two."""

from __future__ import annotations

import collections
import math
import sys

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint


def cumulative_buckets(point: ExponentialHistogramDataPoint) -> list[tuple[float, int]]:
    """
    Return the upper bounds and cumulative counts of *point*, the last bound infinite.

    Every exponential histogram has the powers of two of its range among its bounds,
    whatever its scale, so that the bounds stay the same while the scale changes and no
    count is estimated (specification: metrics data model, exponential histogram). The
    SDK records no negative values.
    """
    total = point.zero_count
    buckets = [(0.0, total)] if total else []
    counts = _by_power(point)
    for power in sorted(counts):
        total += counts[power]
        if power < sys.float_info.max_exp:
            buckets.append((math.ldexp(1.0, power), total))
    buckets.append((math.inf, point.count))
    return buckets


def _by_power(point: ExponentialHistogramDataPoint) -> collections.Counter[int]:
    """
    Return how many values lie up to each power of two and above the one before.

    Bucket i of scale s holds base^i < value ≤ base^(i+1) with base = 2^(2^-s).
    """
    counts: collections.Counter[int] = collections.Counter()
    for position, count in enumerate(point.positive.bucket_counts):
        if count:
            edge = point.positive.offset + position + 1
            power = -(-edge >> point.scale) if point.scale > 0 else edge << -point.scale
            counts[power] += count
    return counts
