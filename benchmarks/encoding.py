"""
Our encoders beside upstream's: µs of CPU an item, alternating, medians of the rounds.

Run it with ``python benchmarks/encoding.py``. What is timed is everything between the
items and the bytes of a request, resources and scopes included; ours with and without
the redaction that every service has on.
"""

import statistics
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_flow.otlp import LogEncoder, MetricEncoder, Request, Sources, SpanEncoder
from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings


ROUNDS = 15
ITEMS = 512
RESOURCE = Resource({"service.name": "bench", "service.instance.id": "1"})


def numbers(first):
    """Return numbers that no batch before has had, for values that come once."""
    return range(first, first + ITEMS)


def attributes(number):
    """Return eight attributes, one of which is new each time."""
    return {
        "http.request.method": "GET",
        "http.route": "/items/{item_id}",
        "url.scheme": "https",
        "url.path": f"/items/{number}",
        "server.address": "shop.example",
        "server.port": 443,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }


def spans(first):
    tracer = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("bench")
    made = [tracer.start_span("GET /items", attributes=attributes(n)) for n in numbers(first)]
    for span in made:
        span.end()
    return made


def records(first):
    kept = []
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    keep = type("Keep", (), {"on_emit": lambda _, record: kept.append(record)})()
    provider.add_log_record_processor(keep)
    logger = provider.get_logger("bench")
    for number in numbers(first):
        event = {"order_id": number, "currency": "EUR", "customer": "gold", "price": 12.5}
        logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="order.placed",
                attributes=event,
            )
        )
    return kept


def collected():
    """Return resource and scope, and a counter and a histogram of *ITEMS* series each."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False).get_meter("bench")
    counter, histogram = meter.create_counter("orders"), meter.create_histogram("seconds")
    for number in range(ITEMS):
        labels = {"http.route": f"/items/{number}", "http.response.status_code": 200}
        counter.add(1, labels)
        histogram.record(0.2, labels)
    (resource,) = reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    return resource.resource, scope.scope, *scope.metrics


class Ours:
    """Encoders as the engine has them."""

    def __init__(self, redaction=None):
        self.spans, self.logs = SpanEncoder(redaction), LogEncoder(redaction)
        self.metrics, self.sources = MetricEncoder(redaction), Sources(redaction)

    def items(self, items, encode):
        request = Request(self.sources)
        for item in items:
            request.add(item.resource, item.instrumentation_scope, encode(item))
        return request.encode()

    def points(self, resource, scope, metric):
        request = Request(self.sources)
        frame = self.metrics.frame(metric)
        points = [frame.point(point) for point in metric.data.data_points]
        request.add(resource, scope, frame.around(points), len(points))
        return request.encode()


def upstream_points(resource, scope, metric):
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics

    scopes = [ScopeMetrics(scope, [metric], "")]
    data = MetricsData([ResourceMetrics(resource, scopes, "")])
    return encode_metrics(data).SerializeToString()


def cases():
    """Return by name how a batch is made, and what ours, ours redacted and upstream do with it."""
    plain, redacted = Ours(), Ours(build_redaction(Settings()))
    resource, scope, counter, histogram = collected()
    points = (plain.points, redacted.points, upstream_points)
    return {
        "span, 8 attributes": (
            lambda first: (spans(first),),
            lambda made: plain.items(made, plain.spans.encode),
            lambda made: redacted.items(made, redacted.spans.encode),
            lambda made: encode_spans(made).SerializeToString(),
        ),
        "log record, 4 attributes": (
            lambda first: (records(first),),
            lambda made: plain.items(made, plain.logs.encode),
            lambda made: redacted.items(made, redacted.logs.encode),
            lambda made: encode_logs(made).SerializeToString(),
        ),
        "number point": (lambda _: (resource, scope, counter), *points),
        "histogram point": (lambda _: (resource, scope, histogram), *points),
    }


def measure(make, *contenders):
    """Return the median µs of CPU an item for each of *contenders*, which take turns."""
    taken = [[] for _ in contenders]
    for turn in range(ROUNDS * len(contenders)):
        # Each comes behind each other: upstream leaves the caches of the processor to itself.
        place = (turn + turn // len(contenders)) % len(contenders)
        batch = make(turn * ITEMS)
        started = time.process_time()
        contenders[place](*batch)
        taken[place].append((time.process_time() - started) / ITEMS * 1e6)
    return [statistics.median(times) for times in taken]


def main():
    """Print the table."""
    print(
        "| µs an item | ours | upstream | ratio | ours, redacted | ratio |\n|---|--:|--:|--:|--:|--:|"
    )
    for name, case in cases().items():
        ours, redacted, theirs = measure(*case)
        print(
            f"| {name} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} "
            f"| {redacted:.1f} | {theirs / redacted:.1f} |"
        )


if __name__ == "__main__":
    main()
