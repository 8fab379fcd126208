"""What OTLP cannot carry: the item arrives, what was done is visible, or it is counted."""

import pytest

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics.export import (
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from otel_flow.delivery.encoding import MetricsEncoder
from otel_flow.otlp import LogEncoder, SpanEncoder, Unencodable
from otel_flow.otlp.receiver.decode import decode
from otel_flow.otlp.records import LogEvent
from tests.otlp.decoding import decoded, our_logs, our_spans
from tests.otlp.junk import RESOURCE, SCOPE


class Raising:
    def __str__(self):
        raise RuntimeError("no")


class Leaving:
    def __str__(self):
        raise SystemExit(3)


class Point:
    def __init__(self, x):
        self.x = x

    def __str__(self):
        return f"({self.x})"


def cycle():
    inner = {}
    inner["self"] = [inner]
    return inner


def span_of(attributes):
    """Return a span whose attributes the SDK has not looked at, as it arrives."""
    span = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("t").start_span("s")
    span._attributes._dict.update(attributes)
    span.end()
    (arrived,) = decode("traces", our_spans([span])).spans
    return arrived


def log_of(**fields):
    """Return a record of the SDK as it arrives."""
    record = LogRecord(timestamp=1, **fields)
    kept = []
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(type("P", (), {"on_emit": lambda _, r: kept.append(r)})())
    provider.get_logger("t").emit(record)
    (arrived,) = decode("logs", our_logs(kept)).records
    return arrived


REPAIRED = {
    "a lone surrogate": ("a\ud800b", "a\\ud800b"),
    "an integer over 64 bits": (2**70, str(2**70)),
    "a negative one": (-(2**70), str(-(2**70))),
    "an integer of 20001 bits": (2**20_000, "<cut: an integer of 20001 bits>"),
    "an object": (Point(3), "(3)"),
    "an object whose __str__ raises": (Raising(), "<unprintable Raising: RuntimeError>"),
    "an object whose __str__ exits": (Leaving(), "<unprintable Leaving: SystemExit>"),
    "a text of 10 MB": ("x" * 10_000_000, "x" * 65_536 + "<cut: 10000000 characters>"),
    "bytes of 10 MB": (b"x" * 10_000_000, "<cut: 10000000 bytes>"),
    "a mapping with keys of any type": ({1: 2, None: "x"}, {"1": 2, "None": "x"}),
    "a set": (frozenset({1}), "frozenset({1})"),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_a_value_arrives_repaired(case):
    """A value that OTLP cannot carry arrives as what it was made into, beside its neighbours."""
    value, expected = REPAIRED[case]
    attributes = span_of({"before": 1, "bad": value, "after": 2}).attributes

    assert attributes == {"before": 1, "bad": expected, "after": 2}


@pytest.mark.parametrize("case", REPAIRED)
def test_a_body_arrives_repaired(case):
    """So does the body of a log record, and its attributes."""
    value, expected = REPAIRED[case]
    arrived = log_of(body=value)

    assert arrived.body == expected


def test_not_a_number_stays_what_it_is():
    """NaN and infinities are numbers to OTLP and arrive as such."""
    attributes = span_of({"nan": float("nan"), "inf": float("-inf")}).attributes

    assert attributes["nan"] != attributes["nan"]
    assert attributes["inf"] == float("-inf")


def test_a_cycle_comes_to_an_end():
    """A value that contains itself is cut where it is nested too deep, and decodes."""
    attributes = span_of({"cycle": cycle(), "after": 2}).attributes

    assert "<cut: nested too deep>" in str(attributes["cycle"])
    assert attributes["after"] == 2


def test_a_container_that_raises_is_told():
    """A list that raises while it is read becomes a text that says so."""

    class Broken(list):
        def __iter__(self):
            raise KeyError

    assert span_of({"bad": Broken([1]), "after": 2}).attributes == {
        "bad": "<unreadable Broken: KeyError>",
        "after": 2,
    }


def test_endless_containers_are_cut():
    """A sequence without end is cut at ten thousand elements, with a mark."""

    class Endless(list):
        def __iter__(self):
            while True:
                yield 1

    arrived = span_of({"bad": Endless([1])}).attributes["bad"]

    assert len(arrived) == 10_001
    assert arrived[-1] == "<cut: too many elements>"


def test_a_huge_span_is_cut_down():
    """A span that is too large as a whole arrives with its values cut down, and they say so."""
    arrived = span_of({f"k{n}": "x" * 60_000 for n in range(60)})

    assert len(arrived.attributes) == 60
    assert set(arrived.attributes.values()) == {"x" * 1024 + "<cut: 60000 characters>"}


def test_a_span_too_large_whatever_is_cut_is_named():
    """A span that no cutting makes small enough is refused with a reason."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    for number in range(128):
        span._attributes._dict[str(number)] = ["x" * 1024] * 99
    span.end()

    with pytest.raises(Unencodable, match="too_large"):
        SpanEncoder().encode(span)


def test_a_span_without_ids_is_named():
    """A span that nothing could refer to is refused with a reason."""
    with pytest.raises(Unencodable, match="invalid_ids"):
        SpanEncoder().encode(object())


def test_fields_of_a_wrong_type_cost_only_themselves():
    """Times, kind, status and events that are none leave the rest of the span as it was."""
    span = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("t").start_span("s")
    span.set_attribute("kept", 1)
    span._start_time, span._kind, span._status = "now", "server", 7
    span.end(end_time=5)
    (arrived,) = decode("traces", our_spans([span])).spans

    assert (arrived.name, arrived.attributes, arrived.end) == ("s", {"kept": 1}, 5)
    assert (arrived.start, arrived.kind, arrived.status) == (0, "unspecified", "unset")


def test_limits_of_the_sdk_are_kept_and_counted():
    """Attributes, events and links beyond the SDK's limits are counted in what arrives."""
    limits = SpanLimits(max_span_attributes=2, max_events=1, max_event_attributes=1)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    span = provider.get_tracer("t").start_span("s", attributes={"a": 1, "b": 2, "c": 3})
    span.add_event("one")
    span.add_event("two", {"x": 1, "y": 2})
    span.end()
    (arrived,) = decoded("traces", our_spans([span])).resource_spans[0].scope_spans[0].spans

    assert (len(arrived.attributes), arrived.dropped_attributes_count) == (2, 1)
    assert (len(arrived.events), arrived.dropped_events_count) == (1, 1)
    assert arrived.events[0].dropped_attributes_count == 1


def test_limits_of_log_events_are_kept_and_counted():
    """Of too many attributes an event of our log chain keeps the latest; the others are counted."""
    event = LogEvent(
        scope=SCOPE,
        timestamp=1,
        observed_timestamp=1,
        severity_number=9,
        severity_text="INFO",
        body="line",
        attributes={"a": 1, "b": 2, "a long key": "x" * 50},
    )
    encoded = LogEncoder(max_attributes=2, max_text=10).encode(event)
    record = type(decoded("logs", b"").resource_logs.add().scope_logs.add().log_records.add())
    arrived = record.FromString(encoded)

    assert [a.key for a in arrived.attributes] == ["b", "a long key"]
    assert arrived.attributes[1].value.string_value == "x" * 10
    assert arrived.dropped_attributes_count == 1


def test_numbers_that_are_none_cost_only_themselves():
    """A point whose value is no number is counted; one over 64 bits arrives as a float."""
    values = [1, "many", 2**70, float("inf"), None]
    points = [NumberDataPoint({"n": n}, 0, 1, value) for n, value in enumerate(values)]
    metric = Metric("level", "", "1", Gauge(points))
    data = MetricsData([ResourceMetrics(RESOURCE, [ScopeMetrics(SCOPE, [metric], "")], "")])
    dropped = []
    chunks = list(MetricsEncoder()([data], lambda *what: dropped.append(what)))

    arrived = [p.value for c in chunks for p in decode("metrics", c.body).points]
    assert arrived == [1, 2.0**70, float("inf")]
    assert dropped == [(1, "no_number")] * 2
