"""Objects of the SDK behind the policy: masked copies, and themselves where nothing is masked."""

import pytest

from opentelemetry import baggage, trace
from opentelemetry._logs import LogRecord
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from otel_flow.providers.redacting import RedactingLogRecordProcessor
from otel_flow.redaction import build_redaction
from otel_flow.redaction.propagation import RedactingPropagator
from otel_flow.redaction.signals import redacted_metrics, redacted_span
from otel_flow.settings import Settings


REDACTION = build_redaction(Settings())
DROPPING = build_redaction(Settings(redaction_mode="drop"))
LINKED = SpanContext(1, 2, is_remote=True)


def ended(record):
    """Return the span that *record* has written to."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=3))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("t").start_as_current_span(
        "work", links=[Link(LINKED, {"token": "abc", "n": 1})]
    ) as span:
        record(span)
    return exporter.get_finished_spans()[0]


def full(span):
    span.update_name("login password=hunter2")
    span.set_attributes({"password": "hunter2", "a": 1, "b": 2, "c": 3})
    span.add_event("got token=hunter2", {"secret": "hunter2", "n": 1})
    span.set_status(Status(StatusCode.ERROR, "password=hunter2 is wrong"))


def test_a_masked_span_is_the_span_but_for_its_secrets():
    """Identity, times, kind and what limits dropped stay; name, attributes, events, links and status are masked."""
    span = ended(lambda span: (span.set_attribute("gone", 1), full(span)))
    shown = redacted_span(span, REDACTION)

    assert "hunter2" in span.to_json()
    assert "hunter2" not in shown.to_json()
    assert (shown.context, shown.start_time, shown.end_time) == (
        span.context,
        span.start_time,
        span.end_time,
    )
    assert shown.dropped_attributes == span.dropped_attributes == 2
    assert shown.status.status_code is StatusCode.ERROR
    assert shown.links[0].attributes == {"token": "[REDACTED]", "n": 1}
    assert shown.events[0].timestamp == span.events[0].timestamp
    assert shown.resource is span.resource


def test_what_is_dropped_is_counted():
    """Attributes that the policy drops are among the dropped ones of the span."""
    shown = redacted_span(
        ended(lambda span: span.set_attributes({"password": "x", "a": 1})), DROPPING
    )

    assert dict(shown.attributes) == {"a": 1}
    assert (shown.dropped_attributes, shown.dropped_events, shown.dropped_links) == (1, 0, 0)


def test_a_clean_span_is_itself():
    """A span without secrets is not copied."""
    provider = TracerProvider()
    with provider.get_tracer("t").start_as_current_span("work", attributes={"a": 1}) as span:
        span.add_event("it", {"b": 1})

    assert redacted_span(span, REDACTION) is span


def collected(record, *, views=()):
    """Return what a reader collects after *record* was given a meter."""
    reader = InMemoryMetricReader()
    record(MeterProvider([reader], views=views).get_meter("m"))
    return reader.get_metrics_data()


def points(data):
    return list(data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points)


def count(meter):
    counter = meter.create_counter("c")
    counter.add(2, {"token": "abc", "n": 1})
    counter.add(3, {"token": "def", "n": 1})
    counter.add(5, {"token": "abc", "n": 2})


def test_series_that_masking_makes_equal_become_one():
    """No backend takes two points of one series: their sums are added."""
    shown = points(redacted_metrics(collected(count), REDACTION))

    assert sorted((p.attributes["n"], p.attributes["token"], p.value) for p in shown) == [
        (1, "[REDACTED]", 5),
        (2, "[REDACTED]", 5),
    ]


def test_the_latest_of_gauges_stays():
    """Of gauges that masking makes equal, the value that was set last stays."""

    def record(meter):
        gauge = meter.create_gauge("g")
        gauge.set(1, {"token": "abc"})
        gauge.set(2, {"token": "def"})

    assert len(points(redacted_metrics(collected(record), REDACTION))) == 1


def spread(meter):
    histogram = meter.create_histogram("h")
    for number, value in enumerate([0, 7, 0.001, 7.1, 1000, 7.2]):
        histogram.record(value, {"token": f"t{number % 2}"})


@pytest.mark.parametrize(
    "views",
    [(), (View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation()),)],
    ids=["explicit", "exponential"],
)
def test_histograms_are_added(views):
    """Histograms that masking makes equal are one, as if all values were recorded in it."""
    data = collected(spread, views=views)
    (shown,) = points(redacted_metrics(data, REDACTION))
    whole = points(data)

    assert shown.count == sum(point.count for point in whole) == 6
    assert shown.sum == pytest.approx(sum(point.sum for point in whole))
    assert (shown.min, shown.max) == (0, 1000)
    if not views:
        assert sum(shown.bucket_counts) == 6
        return
    sides = (shown.positive, shown.negative)
    assert sum(sum(side.bucket_counts) for side in sides) + shown.zero_count == 6
    base = 2 ** (2**-shown.scale)
    highest = shown.positive.offset + len(shown.positive.bucket_counts) - 1
    assert base**highest < 1000 <= base ** (highest + 1) * (1 + 1e-9)


def test_clean_metrics_are_themselves():
    """Data without secrets is not copied."""
    data = collected(lambda meter: meter.create_counter("c").add(1, {"a": 1}))

    assert redacted_metrics(data, REDACTION) is data


@pytest.mark.parametrize("explicit", [True, False])
def test_baggage_travels_without_secrets(explicit):
    """Secret entries of baggage are not injected, others are; the context itself is untouched."""
    propagator = RedactingPropagator([W3CBaggagePropagator()], DROPPING)
    context = baggage.set_baggage("password", "hunter2", baggage.set_baggage("plan", "gold"))
    carrier: dict[str, str] = {}
    if explicit:
        propagator.inject(carrier, context)
    else:
        token = trace.context_api.attach(context)
        propagator.inject(carrier)
        trace.context_api.detach(token)

    assert carrier == {"baggage": "plan=gold"}
    assert baggage.get_baggage("password", context) == "hunter2"


class Keeping(LogRecordProcessor):
    """Keeps what it is handed, adds to it, and knows how it was ended."""

    def __init__(self):
        self.records, self.ends = [], []

    def on_emit(self, log_record):
        self.records.append(dict(log_record.log_record.attributes))
        log_record.log_record.attributes["added"] = 1

    def shutdown(self):
        self.ends.append("shutdown")

    def force_flush(self, timeout_millis=30_000):
        self.ends.append(timeout_millis)
        return True


@pytest.mark.parametrize("attributes", [{"password": "hunter2", "n": 1}, {"n": 1}])
def test_processors_of_others_get_masked_records(attributes):
    """A log processor of the application's sees no secret, and what it adds reaches the next one."""
    first, last = Keeping(), Keeping()
    provider = LoggerProvider(shutdown_on_exit=False)
    for processor in (RedactingLogRecordProcessor(first, REDACTION), last):
        provider.add_log_record_processor(processor)
    provider.get_logger("t").emit(LogRecord(timestamp=1, body="b", attributes=dict(attributes)))
    assert provider.force_flush(5)
    provider.shutdown()

    assert first.records[0] == {
        **attributes,
        **({"password": "[REDACTED]"} if "password" in attributes else {}),
    }
    assert last.records[0] == {**attributes, "added": 1}
    assert first.ends[-1] == last.ends[-1] == "shutdown"
