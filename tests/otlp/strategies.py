"""Random telemetry: what upstream's encoder takes, and what nobody should have recorded."""

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = texts.filter(bool)
int64 = st.integers(-(2**63), 2**63 - 1)
uint64 = st.integers(0, 2**64 - 1)
uint32 = st.integers(0, 2**32 - 1)
ids64 = st.integers(1, 2**64 - 1)
ids128 = st.integers(1, 2**128 - 1)
scalars = st.none() | st.booleans() | int64 | st.floats() | texts | st.binary(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
plain_attributes = st.dictionaries(keys, values, max_size=6)


@st.composite
def bounded(draw):
    """Attributes as the SDK holds them, some of them dropped."""
    held = BoundedAttributes(draw(st.sampled_from([2, 128])), draw(plain_attributes))
    held.dropped = draw(st.integers(0, 300))
    return held


attributes = st.none() | plain_attributes | bounded()
# Few, so that items meet in groups: the same object, an equal one, another.
resources = st.sampled_from(
    [
        Resource({"service.name": "shop", "n": 1}, "https://opentelemetry.io/schemas/1.34.0"),
        Resource({"service.name": "shop", "n": True}),
        Resource({}),
    ]
)
scopes = st.sampled_from(
    [
        InstrumentationScope("a", "1.0", "https://opentelemetry.io/schemas/1.34.0", {"k": (1, 2)}),
        InstrumentationScope("a", "1.0", "https://opentelemetry.io/schemas/1.34.0", {"k": (1, 2)}),
        InstrumentationScope("b"),
    ]
)
contexts = st.builds(
    SpanContext,
    ids128,
    ids64,
    st.booleans(),
    st.integers(0, 255).map(TraceFlags),
    st.sampled_from([None, TraceState(), TraceState([("a", "1"), ("b", "2")])]),
)


@st.composite
def bounded_lists(draw, items):
    """A list as the SDK holds it, some of whose items were dropped."""
    held = BoundedList.from_seq(8, draw(st.lists(items, max_size=3)))
    held.dropped = draw(st.integers(0, 300))
    return held


events = st.builds(Event, texts, attributes, uint64)
links = st.builds(Link, contexts, attributes)
statuses = st.builds(Status, st.just(StatusCode.ERROR), st.none() | texts) | st.builds(
    Status, st.sampled_from([StatusCode.UNSET, StatusCode.OK])
)
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=resources,
    attributes=attributes,
    events=st.lists(events, max_size=3) | bounded_lists(events),
    links=st.lists(links, max_size=3) | bounded_lists(links),
    kind=st.sampled_from(SpanKind),
    status=statuses,
    start_time=uint64,
    end_time=uint64,
    instrumentation_scope=st.none() | scopes,
)


@st.composite
def log_records(draw):
    """A log record of the SDK."""
    record = LogRecord(
        timestamp=draw(st.none() | uint64),
        observed_timestamp=draw(uint64),
        severity_text=draw(st.none() | texts),
        severity_number=draw(st.none() | st.sampled_from(SeverityNumber)),
        body=draw(values),
        attributes=draw(attributes),
        event_name=draw(st.none() | texts),
    )
    record.trace_id, record.span_id = draw(st.just(0) | ids128), draw(st.just(0) | ids64)
    record.trace_flags = TraceFlags(draw(st.integers(0, 255)))
    return ReadableLogRecord(record, draw(resources), draw(st.none() | scopes))


numbers = int64 | st.floats()
exemplars = st.lists(
    st.builds(
        Exemplar,
        st.none() | plain_attributes,
        numbers,
        uint64,
        st.none() | ids64,
        st.none() | ids128,
    ),
    max_size=2,
)
point_attributes = st.dictionaries(keys, scalars, max_size=4)
number_points = st.builds(
    NumberDataPoint, point_attributes, st.none() | uint64, uint64, numbers, exemplars
)


@st.composite
def histogram_points(draw):
    """A point of an explicit histogram."""
    bounds = draw(st.lists(st.floats(allow_nan=False), max_size=5))
    counts = draw(st.lists(uint64, min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    extremes = draw(st.floats()), draw(st.floats())
    times = draw(uint64), draw(uint64)
    return HistogramDataPoint(
        draw(point_attributes),
        *times,
        draw(uint64),
        draw(numbers),
        counts,
        tuple(bounds),
        *extremes,
        draw(exemplars),
    )


buckets = st.builds(Buckets, st.integers(-(2**31), 2**31 - 1), st.lists(uint64, max_size=5))
exponential_points = st.builds(
    ExponentialHistogramDataPoint,
    point_attributes,
    uint64,
    uint64,
    uint64,
    numbers,
    st.integers(-(2**31), 2**31 - 1),
    uint64,
    buckets,
    buckets,
    uint32,
    st.floats(),
    st.floats(),
    exemplars,
)
temporalities = st.sampled_from(AggregationTemporality)


def several(points):
    return st.lists(points, min_size=1, max_size=3)


data = (
    st.builds(Gauge, several(number_points))
    | st.builds(Sum, several(number_points), temporalities, st.booleans())
    | st.builds(Histogram, several(histogram_points()), temporalities)
    | st.builds(ExponentialHistogram, several(exponential_points), temporalities)
)
metrics = st.builds(Metric, texts, st.none() | texts, st.none() | texts, data)


@st.composite
def collections(draw):
    """What one collection gives: each resource and each scope once."""
    found = draw(st.lists(resources, min_size=1, max_size=2, unique_by=id))
    return MetricsData([ResourceMetrics(r, draw(_scope_metrics()), r.schema_url) for r in found])


def _scope_metrics():
    one = st.builds(ScopeMetrics, scopes, st.lists(metrics, min_size=1, max_size=3), st.just(""))
    return st.lists(one, min_size=1, max_size=2, unique_by=lambda group: group.scope)


# What nobody should have recorded


class Hostile:
    """Raises whatever is done with it but showing a failed test."""

    def __str__(self):
        raise ValueError

    def __hash__(self):
        raise ValueError

    def __eq__(self, other):
        raise ValueError


class HostileMapping(dict):
    def items(self):
        raise KeyError


class HostileList(list):
    def __iter__(self):
        yield 1
        raise IndexError


def _cycle():
    inner = []
    inner.append({"inner": inner, "again": inner})
    return inner


hostile = st.one_of(
    st.builds(Hostile),
    st.builds(HostileMapping, a=st.just(1)),
    st.builds(HostileList, st.just([1])),
    st.builds(object),
    st.builds(_cycle),
    st.text(st.characters(categories=["Cs", "L"]), max_size=8),
    st.integers(),
    st.integers(min_value=2**70).map(lambda n: -n),
    st.builds("x".__mul__, st.just(70_000)),
    st.builds(b"x".__mul__, st.just(70_000)),
    st.builds(pow, st.just(2), st.just(20_000)),
    st.sampled_from([1j, {1, 2}, frozenset(), range(3), type, Ellipsis]),
    st.fractions(),
    st.datetimes(),
    st.decimals(),
)
_nested = st.recursive(
    values | hostile,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@st.composite
def _anything(draw):
    """Short in the words of hypothesis, which shows every strategy that it is made of."""
    return draw(_nested)


anything = _anything()
