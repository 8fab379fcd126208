"""Random programs of span, metric and log calls, the same on either side."""

import contextlib
import dataclasses
import datetime
import functools
import random

from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

from otel_flow.settings import Settings
from otel_flow.settings.groups import LimitSettings
from tests.providers.sides import CountingIds, Ours, reader


SAMPLERS = [
    ALWAYS_ON,
    ALWAYS_ON,
    DEFAULT_ON,
    DEFAULT_ON,
    ALWAYS_OFF,
    TraceIdRatioBased(0.5),
    ParentBasedTraceIdRatio(0.5),
    ParentBased(ALWAYS_ON, remote_parent_not_sampled=TraceIdRatioBased(0.7)),
]
SCOPES = [("shop",), ("shop", "1.0"), ("shop", "1.0", "https://opentelemetry.io/schemas/1.34.0")]
KEYS = ["http.route", "user", "n", "q", "a.b", "ключ", "list", "z" * 40]


@dataclasses.dataclass
class Plan:
    """How both sides of one program are set up."""

    settings: Settings
    resource: Resource
    sampler: Any
    counted_ids: bool
    temporality: AggregationTemporality
    view: int
    ours: Ours | None = None

    def ids(self):
        return CountingIds() if self.counted_ids else RandomIdGenerator()

    def reader(self):
        kinds = (
            Counter,
            UpDownCounter,
            Histogram,
            ObservableCounter,
            ObservableUpDownCounter,
            ObservableGauge,
        )
        return reader(dict.fromkeys(kinds, self.temporality))

    def views(self):
        by_number = {
            1: lambda: [View(instrument_name="*", attribute_keys={"http.route", "n"})],
            2: lambda: [
                View(
                    instrument_name="h*",
                    aggregation=ExponentialBucketHistogramAggregation(max_size=8),
                )
            ],
            3: lambda: [
                View(
                    instrument_name="h1",
                    name="renamed",
                    aggregation=ExplicitBucketHistogramAggregation((0, 5, 50)),
                ),
                View(instrument_name="c0", aggregation=DropAggregation()),
            ],
            4: lambda: [
                View(instrument_name="h0", name="one", attribute_keys={"n"}),
                View(instrument_name="h0", name="two", attribute_keys=set()),
            ],
        }
        return by_number.get(self.view, list)()


def plan(seed):
    """Return the set-up of program *seed*."""
    draw = random.Random(seed)
    few = draw.random() < 0.4
    limits = LimitSettings(
        attribute_value_length=draw.choice([None, 5]),
        span_attribute_count=draw.choice([0, 1, 3]) if few else 128,
        span_attribute_value_length=draw.choice([None, None, 4]),
        event_count=draw.choice([0, 1, 2]) if few else 128,
        link_count=draw.choice([0, 1, 2]) if few else 128,
        event_attribute_count=draw.choice([0, 1]) if few else 128,
        link_attribute_count=draw.choice([0, 1]) if few else 128,
        log_attribute_count=draw.choice([0, 1, 3]) if few else 128,
        log_attribute_value_length=draw.choice([None, None, 4]),
    )
    return Plan(
        settings=Settings(
            service_name="test",
            limits=limits,
            exemplar_filter=draw.choice(["trace_based", "trace_based", "always_on", "always_off"]),
        ),
        resource=Resource({"service.name": "test", "n": seed}, draw.choice([None, SCOPES[2][2]])),
        sampler=draw.choice(SAMPLERS),
        counted_ids=draw.random() < 0.5,
        temporality=draw.choice(list(AggregationTemporality)[1:]),
        view=draw.randrange(8),
    )


class Own:
    """An object of the application."""

    def __str__(self):
        return "own"


NOT_PLAIN = (Own, datetime.date)


class Program:
    """One run of a program: every draw is made again on the other side, and is the same."""

    def __init__(self, seed, side):
        self.draw = random.Random(-seed)
        self.side = side
        self.spans = []
        self.clock = 1_700_000_000_000_000_000
        self.offered = set()
        scopes = self.draw.sample(SCOPES, 2)
        self.tracers = [side.tracer_provider.get_tracer(*scope) for scope in scopes]
        self.scopes = scopes
        self.instruments = self._instruments([side.meter_provider.get_meter(*s) for s in scopes])

    def _instruments(self, meters):
        made = []
        for n, meter in enumerate(meters):
            made += [
                meter.create_counter(f"c{n}", "By", "counts"),
                meter.create_up_down_counter(f"u{n}"),
                meter.create_histogram(f"h{n}", "s"),
                meter.create_gauge(f"g{n}"),
            ]
        advised = {"explicit_bucket_boundaries_advisory": [0.0, 1.0, 10.0]}
        made.append(meters[0].create_histogram("advised", **advised))
        for n, create in enumerate(
            (meters[1].create_observable_counter, meters[0].create_observable_gauge)
        ):
            observed = [(self.number(), self.attributes(2)) for _ in range(self.draw.randrange(3))]
            self.offered.update(float(value) for value, _ in observed)
            create(f"o{n}", [functools.partial(_observe, observed)])
        return made

    def run(self):
        """Take the steps, and collect in between and at the end."""
        steps = [
            (self.child, 4),
            (self.open, 2),
            (self.write, 8),
            (self.end, 2),
            (self.measure, 8),
            (self.log, 3),
            (self.side.collect, 0.4),
        ]
        functions, weights = zip(*steps, strict=True)
        self._block(functions, weights, self.draw.randrange(5, 20))
        for span in self.spans:
            span.end(self.now())
        self.side.collect()

    def _block(self, functions, weights, steps):
        for step in self.draw.choices(functions, weights, k=steps):
            if step == self.child:
                self.child(lambda: self._block(functions, weights, self.draw.randrange(4)))
            else:
                step()

    # Spans

    def now(self):
        self.clock += self.draw.randrange(1, 10**9)
        return self.clock

    def _start(self, start):
        parent = self.draw.choice([None, None, None, self.remote()])
        if self.spans and self.draw.random() < 0.2:
            parent = set_span_in_context(self.draw.choice(self.spans))
        random.seed(self.draw.randrange(10**9))
        return start(
            self.draw.choice(["GET", "work", "", "запрос"]),
            parent,
            self.draw.choice(list(SpanKind)),
            self.attributes(),
            self.links(),
            self.now(),
        )

    def remote(self):
        context = SpanContext(
            self.draw.choice([0, 7, 2**100]),
            9,
            self.draw.random() < 0.8,
            TraceFlags(self.draw.randrange(4)),
            TraceState([("a", "1"), ("b", "2")]) if self.draw.random() < 0.3 else None,
        )
        return set_span_in_context(NonRecordingSpan(context))

    def links(self):
        if self.draw.random() < 0.8:
            return self.draw.choice([(), None])
        return [
            Link(SpanContext(self.draw.randrange(3), 5, True), self.attributes(2))
            for _ in range(self.draw.randrange(4))
        ]

    def child(self, body):
        """A block with a current span, which an exception may leave."""
        fails = self.draw.random() < 0.2
        tracer = self.draw.choice(self.tracers)
        with contextlib.suppress(LookupError), self._start(tracer.start_as_current_span) as span:
            self.spans.append(span)
            body()
            if fails:
                raise LookupError(self.draw.choice(["gone", "no key"]))

    def open(self):
        """A span that is not the current one, and that another step may end."""
        self.spans.append(self._start(self.draw.choice(self.tracers).start_span))

    def write(self):
        """Whatever can be done to a span, ended or not."""
        if not self.spans:
            return
        span = self.draw.choice(self.spans)
        self.draw.choice(
            [
                lambda: span.set_attribute(self.key(), self.value()),
                lambda: span.set_attribute(self.draw.choice(["", "n"]), self.value()),
                lambda: span.set_attributes(self.attributes() or {}),
                lambda: span.add_event("event", self.attributes(3), self.now()),
                lambda: span.add_link(
                    SpanContext(self.draw.randrange(3), 5, False), self.attributes(2)
                ),
                lambda: span.update_name(self.draw.choice(["named", "again"])),
                lambda: span.set_status(*self.status()),
                lambda: span.record_exception(
                    ValueError("bad"), self.attributes(2), self.now(), self.draw.random() < 0.5
                ),
            ]
        )()

    def status(self):
        code = self.draw.choice(list(StatusCode))
        if code is StatusCode.ERROR:
            return self.draw.choice(
                [(code, "text"), (code,), (Status(code, "in status"),), (Status(code), "ignored")]
            )
        return self.draw.choice([(code,), (Status(code),)])

    def end(self):
        """End a span, perhaps for the second time."""
        if self.spans:
            self.draw.choice(self.spans).end(self.now())

    # Measurements and log records

    def measure(self):
        """Record with one instrument, ours bound or not."""
        instrument = self.draw.choice(self.instruments)
        for _ in range(self.draw.choice([1, 1, 3, 70])):
            value = self.number()
            self.offered.add(float(value))
            self.side.record(instrument, value, self.attributes(2), bound=self.draw.random() < 0.7)

    def log(self):
        """Emit a log record, ours as an event of the log chain or not."""
        event = self.draw.random() < 0.5
        attributes = self.attributes() or {}
        if event:
            # The log chain hands on plain values.
            attributes = {k: v for k, v in attributes.items() if not isinstance(v, NOT_PLAIN)}
        record = {
            "timestamp": self.now(),
            "observed_timestamp": self.now(),
            "severity_number": self.draw.choice(list(SeverityNumber)),
            "severity_text": self.draw.choice(["INFO", "WARN"]),
            "body": self.draw.choice(["text", "", 5, True, None, {"n": [1, "x"]}, b"bytes"]),
            "attributes": attributes,
            "event_name": self.draw.choice([None, "order.placed"]),
        }
        self.side.log(self.draw.choice(self.scopes), record, event=event)

    # Values

    def key(self):
        return self.draw.choice(KEYS)

    def number(self):
        return self.draw.choice(
            [1, 2, 7, 0, 0.5, 3.25, 9, 10, 5, 1e6, self.draw.randrange(1000), self.draw.random()]
        )

    def value(self):
        return self.draw.choice(
            [
                "text",
                "a longer text",
                "",
                1,
                -5,
                2.5,
                True,
                False,
                None,
                b"bytes",
                ["a", "b"],
                (1, 2, 3),
                [True, None, "mixed"],
                {"nested": {"n": 1}, "list": [1]},
                Own(),
                datetime.date(2026, 1, 1),
                str(self.draw.randrange(50)),
            ]
        )

    def attributes(self, most=6):
        """Return few attributes, or None; those of measurements are of few values."""
        if self.draw.random() < 0.2:
            return None
        keys = self.draw.sample(KEYS, self.draw.randrange(most + 1))
        if most < 3:
            return {key: self.draw.choice(["x", "y", 1, 2.5]) for key in keys}
        return {key: self.value() for key in keys}


def _observe(observed, _options):
    return [Observation(value, attributes) for value, attributes in observed]
