"""Metrics (opentelemetry-proto, metrics.proto): each kind of data, its points and exemplars."""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, Sum

from otel_flow.otlp.known import Pairs, Sets
from otel_flow.otlp.repair import ITEM_BYTES, ROOMY, Unencodable, text
from otel_flow.otlp.salvage_points import salvaged_exemplar, salvaged_point
from otel_flow.otlp.values import encode_text
from otel_flow.otlp.wire import SIZES, message, zigzag


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.metrics.export import Metric

    from otel_flow.otlp.redactor import Redactor
    from otel_flow.otlp.repair import Bounds


_whole = struct.Struct("<cQcQcq").pack
_real = struct.Struct("<cQcQcd").pack
_counted = struct.Struct("<cQcQcQ").pack
_double = struct.Struct("<cd").pack
_fixed = struct.Struct("<cQ").pack
_exemplar_whole = struct.Struct("<cQcq").pack
_exemplar_real = struct.Struct("<cQcd").pack
_doubles = struct.Struct("<cdcdcd").pack
_HEADS = 1024


class Frame(NamedTuple):
    """What surrounds the points of one metric; *point* encodes one of them."""

    head: bytes
    data: bytes
    tail: bytes
    point: Callable[[Any], bytes]

    def around(self, points: Sequence[bytes]) -> bytes:
        """Return the ``Metric`` with *points*."""
        size = SIZES[sum(map(len, points)) + len(self.tail)]
        return b"".join((self.head, self.data, size, *points, self.tail))


class MetricEncoder:
    """
    Encodes metrics as the SDK's readers collect them: gauges, sums and both histograms.

    The SDK has no summaries.
    """

    def __init__(self, redactor: Redactor | None = None, bounds: Bounds = ROOMY) -> None:
        self._bounds = bounds
        self._heads: dict[tuple[Any, ...], bytes] = {}
        self._numbers = Sets(b":", redactor, bounds)
        self._histograms = Sets(b"J", redactor, bounds)
        self._exponentials = Sets(b"\n", redactor, bounds)
        self._filtered = Pairs(b":", redactor, bounds)
        self._boundaries: tuple[Any, bytes] = (None, b"")

    def frame(self, metric: Metric) -> Frame:
        """Return the frame of *metric*; raises `Unencodable` for data that the SDK has not."""
        data = metric.data
        head = self._head(metric)
        if isinstance(data, Sum):
            tail = _temporality(data) + (b"\x18\x01" if data.is_monotonic else b"")
            return Frame(head, b":", tail, self._point_of(self._sum))
        if isinstance(data, Gauge):
            return Frame(head, b"*", b"", self._point_of(self._gauge))
        if isinstance(data, Histogram):
            return Frame(head, b"J", _temporality(data), self._point_of(self._histogram))
        if isinstance(data, ExponentialHistogram):
            return Frame(head, b"R", _temporality(data), self._point_of(self._exponential))
        raise Unencodable("unknown_kind")

    def _head(self, metric: Metric) -> bytes:
        key = (metric.name, metric.description, metric.unit)
        head = self._heads.get(key)
        if head is None:
            texts = zip((b"\n", b"\x12", b"\x1a"), key, strict=True)
            head = b"".join(
                message(tag, encode_text(text(value, self._bounds)))
                for tag, value in texts
                if value is not None
            )
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[key] = head
        return head

    def _point_of(self, encode: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
        def point(point: Any) -> bytes:
            # Callbacks of applications may observe anything.
            try:
                encoded = encode(point)
            except Exception:
                encoded = encode(salvaged_point(point, self._bounds))
            size = len(encoded)
            if size > ITEM_BYTES:
                raise Unencodable("too_large")
            return b"\n" + SIZES[size] + encoded

        return point

    def _gauge(self, point: Any) -> bytes:
        return self._number(point, 0)

    def _sum(self, point: Any) -> bytes:
        return self._number(point, point.start_time_unix_nano or 0)

    def _number(self, point: Any, start: int) -> bytes:
        value, attributes, exemplars = point.value, point.attributes, point.exemplars
        time = point.time_unix_nano
        fixed = (
            _whole(b"\x11", start, b"\x19", time, b"1", value)
            if isinstance(value, int)
            else _real(b"\x11", start, b"\x19", time, b"!", value)
        )
        if attributes:
            fixed += self._numbers.encode(attributes)
        return fixed + self._exemplars(b"*", exemplars) if exemplars else fixed

    def _histogram(self, point: Any) -> bytes:
        bounds, counts = point.explicit_bounds, point.bucket_counts
        met, known = self._boundaries
        if bounds is not met:
            known = message(b":", struct.pack(f"<{len(bounds)}d", *bounds))
            self._boundaries = bounds, known
        start, time, count = point.start_time_unix_nano or 0, point.time_unix_nano, point.count
        total, low, high = point.sum, point.min, point.max
        if total is None or low is None or high is None:
            encoded = _counted(b"\x11", start, b"\x19", time, b"!", count)
            encoded += _summary(b")", total, b"Y", low, b"a", high)
            encoded += message(b"2", struct.pack(f"<{len(counts)}Q", *counts))
        else:
            # All that nearly every point has, at one go.
            pack, tag = _WHOLE[len(counts)]
            encoded = pack(
                b"\x11", start, b"\x19", time, b"!", count,
                b")", total, b"Y", low, b"a", high, tag, *counts,
            )  # fmt: skip
        encoded += known
        if attributes := point.attributes:
            encoded += self._histograms.encode(attributes)
        if exemplars := point.exemplars:
            encoded += self._exemplars(b"B", exemplars)
        return encoded

    def _exponential(self, point: Any) -> bytes:
        attributes, exemplars = point.attributes, point.exemplars
        times = (b"\x11", point.start_time_unix_nano or 0, b"\x19", point.time_unix_nano)
        return b"".join(
            (
                _counted(*times, b"!", point.count),
                _summary(b")", point.sum, b"a", point.min, b"i", point.max),
                b"0" + zigzag(point.scale),
                _fixed(b"9", point.zero_count),
                _buckets(b"B", point.positive),
                _buckets(b"J", point.negative),
                b"P" + SIZES[point.flags] if point.flags else b"",
                self._exponentials.encode(attributes) if attributes else b"",
                self._exemplars(b"Z", exemplars) if exemplars else b"",
            )
        )

    def _exemplars(self, tag: bytes, exemplars: Sequence[Any]) -> bytes:
        encoded = []
        for exemplar in exemplars:
            # An exemplar is an example: one that cannot be had costs nothing else.
            try:
                encoded.append(message(tag, self._exemplar(exemplar)))
            except Exception:
                kept = salvaged_exemplar(exemplar, self._bounds)
                encoded += [message(tag, self._exemplar(kept))] if kept is not None else []
        return b"".join(encoded)

    def _exemplar(self, exemplar: Any) -> bytes:
        value, attributes = exemplar.value, exemplar.filtered_attributes
        trace_id, span_id = exemplar.trace_id, exemplar.span_id
        traced = trace_id is not None and span_id is not None
        return b"".join(
            (
                _exemplar_whole(b"\x11", exemplar.time_unix_nano, b"1", value)
                if isinstance(value, int)
                else _exemplar_real(b"\x11", exemplar.time_unix_nano, b"\x19", value),
                b'"\x08' + span_id.to_bytes(8, "big") if traced else b"",
                b"*\x10" + trace_id.to_bytes(16, "big") if traced else b"",
                self._filtered.encode(attributes) if attributes else b"",
            )
        )


def _temporality(data: Any) -> bytes:
    return b"\x10" + SIZES[int(data.aggregation_temporality)]


def _summary(*tagged: Any) -> bytes:
    """Return sum, smallest and largest value, each behind its tag, those that there are."""
    if None not in tagged:
        return _doubles(*tagged)
    pairs = zip(tagged[::2], tagged[1::2], strict=True)
    return b"".join(_double(tag, value) for tag, value in pairs if value is not None)


class _Whole(dict[int, Any]):
    """
    By the number of buckets: what packs all that a histogram's point always has, and what
    stands before the counts.
    """

    def __missing__(self, buckets: int) -> tuple[Callable[..., bytes], bytes]:
        before = b"2" + SIZES[8 * buckets]
        known = struct.Struct(f"<cQcQcQcdcdcd{len(before)}s{buckets}Q").pack, before
        if len(self) < _HEADS:
            self[buckets] = known
        return known


_WHOLE = _Whole()


def _buckets(tag: bytes, buckets: Any) -> bytes:
    counts = buckets.bucket_counts
    if not counts:
        return b""
    packed = b"".join([SIZES[count] for count in counts])
    return message(tag, b"\x08" + zigzag(buckets.offset) + message(b"\x12", packed))
