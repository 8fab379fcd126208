"""Metrics (opentelemetry-proto, metrics.proto): each kind of data, its points and exemplars."""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, Sum

from otel_flow.otlp.known import Pairs, Sets
from otel_flow.otlp.layout import HistogramLayout, NumberLayout, begin
from otel_flow.otlp.repair import ROOMY, Unencodable, text
from otel_flow.otlp.salvage_points import Salvaged, salvaged_exemplar, salvaged_point
from otel_flow.otlp.values import encode_text
from otel_flow.otlp.wire import SIZES, message, zigzag


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.metrics.export import Metric

    from otel_flow.otlp.redactor import Redactor
    from otel_flow.otlp.repair import Bounds


_counted = struct.Struct("<cQcQcQ").pack
_double = struct.Struct("<cd").pack
_fixed = struct.Struct("<cQ").pack
_exemplar_whole = struct.Struct("<cQcq").pack
_exemplar_real = struct.Struct("<cQcd").pack
_doubles = struct.Struct("<cdcdcd").pack
_HEADS = 1024
_LAYOUTS = 256


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
        self._number_layout = NumberLayout()
        self._layouts: dict[tuple[bytes, int], HistogramLayout] = {}

    def frame(self, metric: Metric) -> Frame:
        """Return the frame of *metric*; raises `Unencodable` for data that the SDK has not."""
        data = metric.data
        head = self._head(metric)
        if isinstance(data, Sum):
            tail = _temporality(data) + (b"\x18\x01" if data.is_monotonic else b"")
            return Frame(head, b":", tail, self._numbers_of(starts=True))
        if isinstance(data, Gauge):
            return Frame(head, b"*", b"", self._numbers_of(starts=False))
        if isinstance(data, Histogram):
            return Frame(head, b"J", _temporality(data), self._histograms_of())
        if isinstance(data, ExponentialHistogram):
            return Frame(head, b"R", _temporality(data), self._exponentials_of())
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

    # A call costs as much as what it does here: every kind of point is encoded in one, with
    # what is the same for all points at hand.

    def _numbers_of(self, *, starts: bool) -> Callable[[Any], bytes]:
        """Return what encodes numbers; those of a sum have a time at which it *starts*."""
        sets, layout = self._numbers, self._number_layout

        def encode(point: Any) -> bytes:
            try:
                value, attributes = point.value, point.attributes
                known = sets.get(id(attributes))
                rest = known[1] if known and known[0] is attributes else sets.encode(attributes)
                if exemplars := point.exemplars:
                    rest += self._exemplars(b"*", exemplars)
                head, whole, real = layout[len(rest)]
                start, time = (starts and point.start_time_unix_nano) or 0, point.time_unix_nano
                if isinstance(value, int):
                    return whole(head, b"\x11", start, b"\x19", time, b"1", value) + rest
                return real(head, b"\x11", start, b"\x19", time, b"!", value) + rest
            except Exception as error:
                return self._again(encode, point, error)

        return encode

    def _histograms_of(self) -> Callable[[Any], bytes]:
        """Return what encodes the points of a histogram, whose boundaries are mostly the same."""
        sets, layout = self._histograms, HistogramLayout(b"", 0)
        met: Any = None

        def encode(point: Any) -> bytes:
            nonlocal met, layout
            try:
                bounds, counts = point.explicit_bounds, point.bucket_counts
                if bounds is not met or len(counts) != layout.buckets:
                    met, layout = bounds, self._layout(bounds, len(counts))
                attributes = point.attributes
                known = sets.get(id(attributes))
                rest = known[1] if known and known[0] is attributes else sets.encode(attributes)
                if exemplars := point.exemplars:
                    rest += self._exemplars(b"B", exemplars)
                total, low, high = point.sum, point.min, point.max
                if total is None or low is None or high is None:
                    return _partial(point, layout, rest)
                head, pack = layout[len(rest)]
                return (
                    pack(
                        head, b"\x11", point.start_time_unix_nano or 0,
                        b"\x19", point.time_unix_nano, b"!", point.count,
                        b")", total, b"Y", low, b"a", high, layout.before, *counts,
                    )
                    + rest
                )  # fmt: skip
            except Exception as error:
                return self._again(encode, point, error)

        return encode

    def _layout(self, bounds: Sequence[float], buckets: int) -> HistogramLayout:
        # Packed, zeros of either sign differ.
        key = struct.pack(f"<{len(bounds)}d", *bounds), buckets
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[key] = HistogramLayout(*key)
        return layout

    def _again(self, encode: Callable[[Any], bytes], point: Any, error: Exception) -> bytes:
        """Encode what can be read of *point*; raises *error* where that was tried."""
        # Callbacks of applications may observe anything.
        if isinstance(point, Salvaged):
            raise error
        return encode(salvaged_point(point, self._bounds))

    def _exponentials_of(self) -> Callable[[Any], bytes]:
        """Return what encodes the points of an exponential histogram."""

        def encode(point: Any) -> bytes:
            try:
                encoded = self._exponential(point)
                return begin(len(encoded)) + encoded
            except Exception as error:
                return self._again(encode, point, error)

        return encode

    def _exponential(self, point: Any) -> bytes:
        attributes, exemplars = point.attributes, point.exemplars
        times = (b"\x11", point.start_time_unix_nano or 0, b"\x19", point.time_unix_nano)
        sets = self._exponentials
        known = sets.get(id(attributes))
        return b"".join(
            (
                _counted(*times, b"!", point.count),
                _summary(b")", point.sum, b"a", point.min, b"i", point.max),
                b"0" + zigzag(point.scale),
                _fixed(b"9", point.zero_count),
                _buckets(b"B", point.positive),
                _buckets(b"J", point.negative),
                b"P" + SIZES[point.flags] if point.flags else b"",
                known[1] if known and known[0] is attributes else sets.encode(attributes),
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


def _partial(point: Any, layout: HistogramLayout, rest: bytes) -> bytes:
    """Return a histogram's point that lacks sum, smallest or largest value."""
    start, time = point.start_time_unix_nano or 0, point.time_unix_nano
    encoded = b"".join(
        (
            _counted(b"\x11", start, b"\x19", time, b"!", point.count),
            _summary(b")", point.sum, b"Y", point.min, b"a", point.max),
            layout.around(point.bucket_counts),
            rest,
        )
    )
    return begin(len(encoded)) + encoded


def _summary(*tagged: Any) -> bytes:
    """Return sum, smallest and largest value, each behind its tag, those that there are."""
    if None not in tagged:
        return _doubles(*tagged)
    pairs = zip(tagged[::2], tagged[1::2], strict=True)
    return b"".join(_double(tag, value) for tag, value in pairs if value is not None)


def _buckets(tag: bytes, buckets: Any) -> bytes:
    counts = buckets.bucket_counts
    if not counts:
        return b""
    packed = b"".join([SIZES[count] for count in counts])
    return message(tag, b"\x08" + zigzag(buckets.offset) + message(b"\x12", packed))
