"""What a bound instrument has recorded and its aggregation has not taken yet."""

from __future__ import annotations

import collections
import contextlib

from bisect import bisect_left
from random import randrange
from typing import TYPE_CHECKING, Any

from opentelemetry.context.context import Context
from opentelemetry.sdk.metrics import (
    AlignedHistogramBucketExemplarReservoir,
    SimpleFixedSizeExemplarReservoir,
)
from opentelemetry.sdk.metrics._internal.aggregation import (
    _ExplicitBucketHistogramAggregation,
    _ExponentialBucketHistogramAggregation,
    _SumAggregation,
)
from opentelemetry.trace import NonRecordingSpan

from otel_flow.providers.active import SPAN_KEY


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.trace import SpanContext


FOLD_AT = 64
"""Values that may wait: enough to make folding cheap, few enough to be forgotten about."""


Sampled = tuple[float, int, "Mapping[str, Any]", "SpanContext | None"]
"""
A value that may become an exemplar: with its time in nanoseconds since the epoch, all the
attributes it was recorded with, and the span it was recorded in.
"""


class _Value:
    """As much of a measurement as aggregations look at where no exemplar is wanted."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


class Series:
    """
    One attribute set of one metric stream, with the values that wait for its aggregation.

    Recording is an append, which the interpreter makes atomic: no lock, so that a
    signal handler may record what it interrupts the recording of. Values reach
    the SDK's aggregation by `fold`: when some have come together, before the public
    instrument records into the same one, and before it is collected.
    """

    __slots__ = ("_aggregation", "_fold", "_offer", "pending")

    def __init__(self, aggregation: Any) -> None:
        self._aggregation = aggregation
        self._fold = _FOLDS.get(type(aggregation), _fold_each)
        offer = _OFFERS.get(type(aggregation._reservoir), _offer_each)
        exponential = type(aggregation) is _ExponentialBucketHistogramAggregation
        self._offer = _offer_no_zero if exponential else offer
        self.pending: collections.deque[float | Sampled] = collections.deque()

    def fold(self) -> None:
        """Give the aggregation what has been recorded up to now, each value once."""
        pending = self.pending
        items: list[float | Sampled] = []
        with contextlib.suppress(IndexError):  # another thread folds as well
            for _ in range(len(pending)):
                items.append(pending.popleft())  # noqa: PERF401  what was taken shall stay
        sampled = [item for item in items if type(item) is tuple]
        if items:
            values: list[Any] = [item[0] if type(item) is tuple else item for item in items]
            self._fold(self._aggregation, values)
        if sampled:
            self._offer(self._aggregation._reservoir, sampled)


def _fold_sum(aggregation: Any, values: Sequence[float]) -> None:
    with aggregation._lock:
        total = aggregation._value or 0
        for value in values:
            total += value
        aggregation._value = total


def _fold_histogram(aggregation: Any, values: Sequence[float]) -> None:
    boundaries = aggregation._boundaries
    with aggregation._lock:
        counts = aggregation._value
        if counts is None:
            counts = aggregation._value = aggregation._get_empty_bucket_counts()
        total = aggregation._sum
        # One by one, not by sum(): the last digit shall be the one that the SDK gets.
        for value in values:
            total += value
            counts[bisect_left(boundaries, value)] += 1
        aggregation._sum = total
        if aggregation._record_min_max:
            aggregation._min = min(aggregation._min, *values)
            aggregation._max = max(aggregation._max, *values)


def _fold_each(aggregation: Any, values: Sequence[float]) -> None:
    for value in values:
        aggregation.aggregate(_Value(value), False)


_FOLDS: dict[type, Callable[[Any, Sequence[float]], None]] = {
    _SumAggregation: _fold_sum,
    _ExplicitBucketHistogramAggregation: _fold_histogram,
}


def _arguments(item: Sampled) -> tuple[Any, ...]:
    value, time_unix_nano, attributes, span_context = item
    span = None if span_context is None else NonRecordingSpan(span_context)
    return value, time_unix_nano, attributes, Context({} if span is None else {SPAN_KEY: span})


def _offer_each(reservoir: Any, sampled: Sequence[Sampled]) -> None:
    for item in sampled:
        reservoir.offer(*_arguments(item))


def _offer_no_zero(reservoir: Any, sampled: Sequence[Sampled]) -> None:
    """Offer what the SDK's exponential histogram does, which counts zeros apart."""
    _offer_each(reservoir, [item for item in sampled if item[0]])


def _offer_last(reservoir: Any, sampled: Sequence[Sampled]) -> None:
    """Offer what a reservoir that keeps the last of each bucket would hold after all of them."""
    boundaries = reservoir._boundaries
    last = {bisect_left(boundaries, item[0]): item for item in sampled}
    _offer_each(reservoir, list(last.values()))


def _offer_one(reservoir: Any, sampled: Sequence[Sampled]) -> None:
    """Offer at most one to a reservoir of one place; the chance of each is as if all were."""
    if reservoir._size != 1:
        _offer_each(reservoir, sampled)
        return
    with reservoir._lock:
        seen = reservoir._measurements_seen
        reservoir._measurements_seen = seen + len(sampled)
        chosen = randrange(seen + len(sampled)) - seen  # noqa: S311  sampling, no secret
        if chosen >= 0:
            reservoir._reservoir_storage[0].offer(*_arguments(sampled[chosen]))


_OFFERS: dict[type, Callable[[Any, Sequence[Sampled]], None]] = {
    AlignedHistogramBucketExemplarReservoir: _offer_last,
    SimpleFixedSizeExemplarReservoir: _offer_one,
}
