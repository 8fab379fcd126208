"""Telemetry whose every field may be anything at all."""

from types import SimpleNamespace

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
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
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from otel_flow.otlp.records import LogEvent
from tests.otlp.strategies import anything, ids64, ids128, temporalities, texts, uint64


RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("fuzz")


def _held(values):
    """*values* as the SDK holds attributes, without what it checks on the way in."""
    held = BoundedAttributes()
    held._dict = values
    return held


times = uint64 | anything
ids = st.integers(1, 2**64 - 1) | anything
mappings = st.dictionaries(texts | st.integers() | st.none(), anything, max_size=2)
attributes = mappings | mappings.map(_held) | anything
contexts = (
    st.builds(SpanContext, ids128, ids64, st.booleans())
    | st.builds(
        SimpleNamespace, trace_id=ids, span_id=ids, is_remote=anything, trace_state=anything
    )
    | anything
)
kinds = st.sampled_from(SpanKind) | anything
statuses = (
    st.builds(Status, st.just(StatusCode.ERROR))
    | st.builds(SimpleNamespace, status_code=anything, description=anything)
    | anything
)
parts = st.builds(
    SimpleNamespace,
    name=anything,
    timestamp=times,
    attributes=attributes,
    dropped_attributes=anything,
    context=contexts,
)
several = st.lists(parts | anything, max_size=2) | anything


CONTEXT = SpanContext(1, 1, is_remote=False)


def span(*, _context=CONTEXT, **fields):
    """Return a span of the SDK whose private *fields* are as given."""
    span = ReadableSpan(name="", context=_context, resource=RESOURCE, instrumentation_scope=SCOPE)
    span._start_time = span._end_time = 1
    vars(span).update(fields)
    return span


spans = st.builds(
    span,
    _context=contexts,
    _name=anything,
    _parent=contexts,
    _kind=kinds,
    _start_time=times,
    _end_time=times,
    _attributes=attributes,
    _events=several,
    _links=several,
    _status=statuses,
)


def _record(**fields):
    record = LogRecord()
    vars(record).update(fields)
    return ReadableLogRecord(record, RESOURCE, SCOPE)


LOG = {
    "scope": SCOPE,
    "timestamp": 1,
    "observed_timestamp": 1,
    "severity_number": 9,
    "severity_text": "INFO",
}
"""What is usual in a log record."""
_LOG_FIELDS = {
    "timestamp": times,
    "observed_timestamp": times,
    "severity_number": anything,
    "severity_text": anything,
    "body": anything,
    "attributes": attributes,
    "trace_id": ids,
    "span_id": ids,
    "trace_flags": anything,
    "event_name": anything,
}
log_records = st.builds(_record, **_LOG_FIELDS) | st.builds(
    LogEvent, scope=st.just(SCOPE), dropped_attributes=anything, **_LOG_FIELDS
)

exemplars = (
    st.lists(
        st.builds(
            SimpleNamespace,
            filtered_attributes=attributes,
            value=anything,
            time_unix_nano=times,
            span_id=ids,
            trace_id=ids,
        )
        | st.builds(Exemplar, attributes, anything, times, ids, ids)
        | anything,
        max_size=2,
    )
    | anything
)
counts = st.lists(uint64 | anything, max_size=3) | anything
buckets = st.builds(Buckets, anything, counts) | anything
number_points = st.builds(NumberDataPoint, attributes, times, times, anything, exemplars)
histogram_points = st.builds(
    HistogramDataPoint,
    attributes,
    times,
    times,
    anything,
    anything,
    counts,
    st.lists(anything, max_size=2) | anything,
    anything,
    anything,
    exemplars,
)
exponential_points = st.builds(
    ExponentialHistogramDataPoint,
    attributes,
    times,
    times,
    anything,
    anything,
    anything,
    anything,
    buckets,
    buckets,
    anything,
    anything,
    anything,
    exemplars,
)


def _points(points):
    return st.lists(points | anything, min_size=1, max_size=3)


data = (
    st.builds(Gauge, _points(number_points))
    | st.builds(Sum, _points(number_points), temporalities, st.booleans())
    | st.builds(Histogram, _points(histogram_points), temporalities)
    | st.builds(ExponentialHistogram, _points(exponential_points), temporalities)
)
metrics = st.builds(Metric, anything, anything, anything, data)


def gauge(value, attributes):
    """Return a gauge of one point."""
    return Metric("level", "", "1", Gauge([NumberDataPoint(attributes, 0, 1, value)]))


def collection(found):
    """Return a collection of the metrics *found*."""
    return MetricsData([ResourceMetrics(RESOURCE, [ScopeMetrics(SCOPE, found, "")], "")])


collections = st.lists(metrics, min_size=1, max_size=2).map(collection)
