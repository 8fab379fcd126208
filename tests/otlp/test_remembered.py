"""What is encoded once and remembered, and how much of it."""

import collections
import copy
import types

import pytest

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
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
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, span_encoder
from otel_flow.otlp.records import LogEvent
from otel_flow.settings.groups import LIMITS
from tests.entries import entries
from tests.otlp.decoding import decoded


LONG = "x" * 1000
"""Longer than what is remembered by its value: it is asked for wherever it is encoded."""
DIFFERENT = 100_000
MOST = 200_000
"""Values in all containers of an encoder: some for each of the keys and series that it remembers."""
RESOURCE = Resource({"service.name": "shop", "of.resource": LONG})
SCOPES = [InstrumentationScope(name, "1", None, {"of.scope": LONG}) for name in ("one", "two")]
CUMULATIVE = AggregationTemporality.CUMULATIVE


class Asked:
    """A redactor that lets everything leave, and counts what the encoders ask it."""

    def __init__(self):
        self.attributes = collections.Counter()
        self.keys = collections.Counter()
        self.texts = collections.Counter()

    def attribute(self, key, value):
        self.attributes[key] += 1
        return value

    def clear_below(self, key):
        self.keys[key] += 1
        return 2**63

    def text(self, text):
        self.texts[text] += 1
        return text


def spans(attributes, scope=SCOPES[0]):
    """Return a span for each of *attributes*, as the SDK makes them."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    tracer = provider.get_tracer(scope.name, scope.version)
    made = [tracer.start_span("work", attributes=each) for each in attributes]
    for span in made:
        span._instrumentation_scope = scope
        span.end()
    return made


def records(attributes, scope=SCOPES[0]):
    """Return a log record for each of *attributes*, as the SDK makes them."""
    kept = []
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(types.SimpleNamespace(on_emit=kept.append))
    logger = provider.get_logger("unused")
    for each in attributes:
        logger.emit(LogRecord(body="work", attributes=each))
    for record in kept:
        record.instrumentation_scope = scope
    return kept


def event(attributes, scope=SCOPES[0], body="work"):
    """Return an event of our log chain."""
    return LogEvent(
        scope=scope,
        timestamp=1,
        observed_timestamp=1,
        severity_number=9,
        severity_text="INFO",
        body=body,
        attributes=attributes,
        trace_id=0,
        span_id=0,
        trace_flags=0,
        event_name=None,
    )


def number(attributes):
    return NumberDataPoint(attributes, start_time_unix_nano=1, time_unix_nano=2, value=3)


def histogram(attributes, bounds=(1.0, 2.0)):
    return HistogramDataPoint(
        attributes,
        start_time_unix_nano=1,
        time_unix_nano=2,
        count=1,
        sum=1.5,
        bucket_counts=[0, 1, 0],
        explicit_bounds=bounds,
        min=1.5,
        max=1.5,
    )


def exponential(attributes):
    return ExponentialHistogramDataPoint(
        attributes,
        start_time_unix_nano=1,
        time_unix_nano=2,
        count=1,
        sum=1.5,
        scale=3,
        zero_count=0,
        positive=Buckets(0, [1]),
        negative=Buckets(0, []),
        flags=0,
        min=1.5,
        max=1.5,
    )


POINTS = {
    "sum": (number, lambda points: Sum(points, CUMULATIVE, is_monotonic=True)),
    "gauge": (number, Gauge),
    "histogram": (histogram, lambda points: Histogram(points, CUMULATIVE)),
    "exponential": (exponential, lambda points: ExponentialHistogram(points, CUMULATIVE)),
}


def collected(metrics):
    """Return a collection of *metrics*, by scope."""
    scopes = [ScopeMetrics(scope, each, "") for scope, each in metrics]
    return MetricsData([ResourceMetrics(RESOURCE, scopes, "")])


def points(kind, attributes, scope=SCOPES[0]):
    """Return a collection of one metric with a point for each of *attributes*."""
    point, data = POINTS[kind]
    metric = Metric("m", None, None, data([point(each) for each in attributes]))
    return collected([(scope, [metric])])


ENCODERS = {
    "traces": lambda redactor: span_encoder(redactor, max_items=None),
    "logs": lambda redactor: log_encoder(
        redactor, max_items=None, limits=LIMITS, resource=lambda: RESOURCE
    ),
    "events": lambda redactor: log_encoder(
        redactor, max_items=None, limits=LIMITS, resource=lambda: RESOURCE
    ),
    "metrics": MetricsEncoder,
}
ITEMS = {
    "traces": spans,
    "logs": records,
    "events": lambda attributes, scope=SCOPES[0]: [event(each, scope) for each in attributes],
    "metrics": lambda attributes, scope=SCOPES[0]: [points("sum", attributes, scope)],
}


def lost(count, reason):
    raise AssertionError(f"{count} lost: {reason}")


def requests(encode, items):
    return [chunk.body for chunk in encode(items, lost)]


@pytest.mark.parametrize("signal", ENCODERS)
def test_resource_and_scopes_are_encoded_once(signal):
    """Items of two scopes that take turns, in many requests: each source is encoded once in all."""
    asked = Asked()
    encode = ENCODERS[signal](asked)
    bodies = []
    for _ in range(3):
        both = [ITEMS[signal]([{"n": n} for n in range(10)], scope) for scope in SCOPES]
        turns = [item for pair in zip(*both, strict=True) for item in pair]
        bodies += requests(encode, turns)

    assert asked.attributes["of.resource"] == 1
    assert asked.attributes["of.scope"] == len(SCOPES)
    assert len(bodies) == 3
    for body in bodies:
        # And it stands once in a request, however many items there are of it.
        assert body.count(LONG.encode()) == 1 + len(SCOPES)
        (resource,) = decoded("logs" if signal == "events" else signal, body).ListFields()[0][1]
        assert {pair.key for pair in resource.resource.attributes} >= {"of.resource"}


@pytest.mark.parametrize("signal", ENCODERS)
def test_keys_and_short_texts_are_encoded_once(signal):
    """What comes with every item is asked for, and encoded, with the first one of them."""
    asked = Asked()
    encode = ENCODERS[signal](asked)
    for first in range(0, 1000, 100):
        numbers = range(first, first + 100)
        requests(encode, ITEMS[signal]([{"route": "/items", "n": n} for n in numbers]))

    # Events were redacted for their lines, and are not asked for again.
    assert asked.attributes["route"] == (signal != "events")
    assert asked.keys["n"] == (signal != "events")
    assert max(asked.texts.values(), default=1) == 1


@pytest.mark.parametrize("kind", POINTS)
def test_attributes_of_a_series_are_encoded_once(kind):
    """A series shows the same mapping at every collection, which is encoded at the first."""
    asked = Asked()
    encode = MetricsEncoder(asked)
    series = [{"n": n, "long": LONG} for n in range(20)]
    bodies = [requests(encode, [points(kind, series)]) for _ in range(5)]

    assert asked.attributes["long"] == len(series)
    assert bodies[1:] == bodies[:-1]


def test_a_mapping_in_the_place_of_another_is_not_taken_for_it():
    """A mapping is remembered by its identity only as long as it is the same one."""
    encode = MetricsEncoder()
    seen = set()
    for n in range(1000):
        (body,) = requests(encode, [points("sum", [{"n": n}])])
        request = decoded("metrics", body)
        (point,) = request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points
        seen.add(point.attributes[0].value.int_value)

    assert seen == set(range(1000))


STEP = 4096


def _named(numbers):
    """Return a span of a new name for each of *numbers*."""
    (span,) = spans([{}])
    for n in numbers:
        named = copy.copy(span)
        named._name = f"span {n}"
        yield named


def _keys(numbers):
    """Return mappings of 32 keys each, every number a key."""
    for first in numbers[::32]:
        yield {f"key{n}": "text" for n in range(first, first + 32)}


def _metrics(numbers):
    """Return a collection of as many metrics."""
    return collected([(SCOPES[0], [Metric(f"m{n}", "", "", Gauge([number({})])) for n in numbers])])


def _boundaries(numbers):
    """Return a collection of a histogram whose points all have other boundaries."""
    made = [histogram({}, (n, n + 1)) for n in numbers]
    return collected([(SCOPES[0], [Metric("m", "", "", Histogram(made, CUMULATIVE))])])


EVER_NEW = {
    "keys of spans": ("traces", lambda ns: spans(_keys(ns))),
    "names of spans": ("traces", _named),
    "keys of records": ("logs", lambda ns: records(_keys(ns))),
    "keys of events": ("events", lambda ns: [event(keys) for keys in _keys(ns)]),
    "texts": ("events", lambda ns: [event({"k": f"v{n}"}) for n in ns]),
    "long texts": ("events", lambda ns: [event({"k": f"{n}{LONG}"}) for n in ns[::8]]),
    "numbers": ("events", lambda ns: [event({"k": n * 2**20, "r": n / 3}) for n in ns]),
    "bodies": ("events", lambda ns: [event({}, body=f"body {n}") for n in ns]),
    "scopes": ("events", lambda ns: [event({}, InstrumentationScope(f"s{n}")) for n in ns]),
    "series": ("metrics", lambda ns: [points("sum", [{"n": n} for n in ns])]),
    "keys of series": ("metrics", lambda ns: [points("histogram", [{f"k{n}": 1} for n in ns])]),
    "metrics": ("metrics", lambda ns: [_metrics(ns)]),
    "boundaries": ("metrics", lambda ns: [_boundaries(ns)]),
}


@pytest.mark.parametrize("what", EVER_NEW)
def test_what_is_remembered_is_bounded(what):
    """A hundred thousand different keys, texts, series or sources leave no more behind than some."""
    signal, batch = EVER_NEW[what]
    encode = ENCODERS[signal](None)
    held = []
    for first in range(0, DIFFERENT, STEP):
        requests(encode, list(batch(range(first, first + STEP))))
        held.append(entries(encode))

    # What is full forgets everything; what only grew would have the most in the end.
    assert held[-1] <= held[0] or held != sorted(held)
    assert max(held) < MOST
