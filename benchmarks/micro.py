"""
Single calls beside upstream's, in one run: microseconds each, the best of several rounds.

``python -m benchmarks.micro``; log events have `benchmarks/log_events.py`. Both sides record the same, and both throw away what they queue.
"""

import argparse
import json
import pathlib
import timeit

from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF
from opentelemetry.trace import SpanKind, set_span_in_context

from benchmarks.per_request import machine
from otel_flow.delivery.encoding import span_encoder
from otel_flow.delivery.processors import FlowSpanProcessor
from otel_flow.delivery.queue import ItemQueue
from otel_flow.providers import build_meter_provider, build_tracer_provider
from otel_flow.providers.bound import bind
from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings


RESOURCE = Resource({"service.name": "bench"})
SETTINGS = Settings(service_name="bench", log_format="json")
ATTRIBUTES = {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.path": "/items/7",
    "network.protocol.version": "1.1",
    "server.address": "shop.example",
    "server.port": 443,
    "http.route": "/items/{item_id}",
    "http.response.status_code": 200,
}
FEW = {
    "http.request.method": "GET",
    "http.route": "/items/{item_id}",
    "http.response.status_code": 200,
}
ITEMS = 100


class Ignoring(SpanProcessor):
    """What upstream's span is handed to: as little as can be."""


def queue():
    return ItemQueue(capacity=1000, urgent=1000, drop="oldest", wake=lambda: None)


def tracers(sampler=None):
    """Return upstream's tracer and ours."""
    upstream = TracerProvider(sampler, RESOURCE, shutdown_on_exit=False)
    upstream.add_span_processor(Ignoring())
    processor = FlowSpanProcessor(queue(), flush=lambda _: True, timeout=1)
    ours = build_tracer_provider(
        SETTINGS,
        RESOURCE,
        span_processors=[processor],
        meter_provider=MeterProvider(shutdown_on_exit=False),
        sampler=sampler,
    )
    return upstream.get_tracer("bench"), ours.get_tracer("bench")


def spans(sampler=None):
    """A span with eight attributes, seven at its start."""
    first = dict(list(ATTRIBUTES.items())[:-1])

    def call(tracer):
        span = tracer.start_span("GET /items/{item_id}", None, SpanKind.SERVER, first)
        span.set_attribute("http.response.status_code", 200)
        span.end()

    return [lambda tracer=tracer: call(tracer) for tracer in tracers(sampler)]


def current_spans():
    """``with start_as_current_span``."""

    def call(tracer):
        with tracer.start_as_current_span("work"):
            pass

    return [lambda tracer=tracer: call(tracer) for tracer in tracers()]


def instruments(create):
    """The same call on the instrument, and on our handle of it."""
    upstream = MeterProvider([InMemoryMetricReader()], RESOURCE, shutdown_on_exit=False)
    ours = build_meter_provider(SETTINGS, RESOURCE, metric_readers=[InMemoryMetricReader()])
    return create(upstream.get_meter("bench")), bind(create(ours.get_meter("bench")), FEW)


def counters():
    public, bound = instruments(lambda meter: meter.create_counter("count"))
    return [lambda: public.add(1, FEW), lambda: bound.add(1)]


def histograms():
    public, bound = instruments(lambda meter: meter.create_histogram("size"))
    return [lambda: public.record(7, FEW), lambda: bound.record(7)]


def encoding():
    """A span, as part of a hundred, redacted on our side."""
    made = [tracer.start_span("GET", None, SpanKind.SERVER, ATTRIBUTES) for tracer in tracers()]
    for span in made:
        span.end()
    upstream, ours = made
    encode = span_encoder(build_redaction(SETTINGS), max_items=None)
    batch = [upstream._readable_span()] * ITEMS

    def encode_ours():
        list(encode([ours] * ITEMS, lambda *_: None))

    return [lambda: encode_spans(batch).SerializeToString(), encode_ours]


ROWS = {
    "span, 8 attributes": (spans, 1),
    "span that is not sampled": (lambda: spans(DEFAULT_OFF), 1),
    "span as the current one": (current_spans, 1),
    "counter, 3 attributes": (counters, 1),
    "histogram, 3 attributes": (histograms, 1),
    "histogram with exemplar": (histograms, 1),
    "encoding of a span": (encoding, ITEMS),
}


def microseconds(function, items, options):
    """Return what one call costs, the best of some rounds: the others met somebody else."""
    timer = timeit.Timer(function)
    number = max(1, options.calls // items)
    timer.timeit(number)
    return min(timer.repeat(options.rounds, number)) / number / items * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path, help="where to keep the figures")
    options = parser.parse_args()
    kept = {"machine": machine()}
    print("| µs | upstream | ours | of upstream |\n|---|---:|---:|---:|")
    for name, (build, items) in ROWS.items():
        token = None
        if name.endswith("exemplar"):
            token = attach(set_span_in_context(tracers()[1].start_span("request")))
        theirs, ours = (microseconds(function, items, options) for function in build())
        if token is not None:
            detach(token)
        kept[name] = {"upstream": theirs, "ours": ours}
        print(f"| {name} | {theirs:.2f} | {ours:.2f} | {ours / theirs:.0%} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
