"""Data points and exemplars whose fields are not what they should be."""

import math

from fractions import Fraction
from types import SimpleNamespace

import pytest

from opentelemetry.sdk.metrics.export import (
    Buckets,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
)

from otel_flow.otlp import Unencodable
from otel_flow.otlp.repair import Bounds
from otel_flow.otlp.salvage_points import salvaged_exemplar, salvaged_point


BOUNDS = Bounds()
NUMBER = NumberDataPoint(attributes={"a": 1}, start_time_unix_nano=1, time_unix_nano=2, value=3)
HISTOGRAM = HistogramDataPoint(
    attributes=None,
    start_time_unix_nano=1,
    time_unix_nano=2,
    count=2**70,
    sum=Fraction(1, 2),
    bucket_counts=[-1, 2],
    explicit_bounds=[Fraction(1, 4)],
    min=None,
    max=10**400,
)


def exponential(**fields):
    sides = {"positive": Buckets(0, [1]), "negative": Buckets(0, [])}
    numbers = {"count": 1, "sum": 1.0, "scale": 2, "zero_count": 0, "flags": 0, "min": 1, "max": 1}
    times = {"start_time_unix_nano": 1, "time_unix_nano": 2}
    return ExponentialHistogramDataPoint(attributes={}, **{**sides, **numbers, **times, **fields})


@pytest.mark.parametrize(
    ("value", "kept"),
    [(3, 3), (True, 1), (2**80, float(2**80)), (Fraction(1, 2), 0.5), (-(10**400), -math.inf)],
)
def test_numbers_of_all_kinds(value, kept):
    """What is a number in any way is one that fits the wire."""
    point = SimpleNamespace(**{**vars(NUMBER), "value": value})

    assert salvaged_point(point, BOUNDS).value == kept


@pytest.mark.parametrize("value", ["3", None, 1j, [1]])
def test_what_is_no_number_says_nothing(value):
    """A point without a number is counted with its reason."""
    point = SimpleNamespace(**{**vars(NUMBER), "value": value})

    with pytest.raises(Unencodable) as caught:
        salvaged_point(point, BOUNDS)
    assert caught.value.args == ("no_number",)


def test_histograms_are_kept_within_the_wires_bounds():
    """Counts become unsigned numbers of 64 bits, sums and bounds floats, what is unset stays so."""
    kept = salvaged_point(HISTOGRAM, BOUNDS)

    assert (kept.count, kept.sum, kept.min, kept.max) == (2**64 - 1, 0.5, None, math.inf)
    assert (kept.bucket_counts, kept.explicit_bounds) == ((0, 2), (0.25,))
    assert kept.attributes == {}


def test_exponential_histograms_need_their_scale():
    """The buckets of an exponential histogram are kept; without a scale they mean nothing."""
    kept = salvaged_point(exponential(), BOUNDS)

    assert (kept.positive.offset, kept.positive.bucket_counts, kept.scale) == (0, (1,), 2)
    for broken in ({"scale": 2**40}, {"scale": "2"}, {"positive": Buckets(None, [1])}):
        with pytest.raises(Unencodable):
            salvaged_point(exponential(**broken), BOUNDS)


@pytest.mark.parametrize(
    ("ids", "kept"),
    [((5, 7), (5, 7)), ((None, None), (None, None)), (("5", 2**64), (None, None))],
)
def test_exemplars_keep_the_ids_that_are_ids(ids, kept):
    """An exemplar without valid ids is one without a trace."""
    fields = {"filtered_attributes": {"a": 1}, "value": 1.5, "time_unix_nano": 2}
    exemplar = SimpleNamespace(**fields, trace_id=ids[0], span_id=ids[1])
    shown = salvaged_exemplar(exemplar, BOUNDS)

    assert (shown.trace_id, shown.span_id, shown.value) == (*kept, 1.5)
    assert shown.filtered_attributes == {"a": 1}


def test_what_is_no_exemplar_is_left_out():
    """Whatever stands in the place of an exemplar costs the point nothing."""
    assert salvaged_exemplar(object(), BOUNDS) is None
    assert salvaged_exemplar(SimpleNamespace(value="x", filtered_attributes=None), BOUNDS) is None
