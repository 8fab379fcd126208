"""Prometheus pull: what a scraper gets, and that nobody else loses by it."""

import asyncio
import gzip
import http.client
import json
import math
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import httpx
import pytest

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from otel_flow.delivery.scrape import Scrape
from otel_flow.errors import NotConfiguredError, NothingToScrapeError
from otel_flow.prometheus import asgi_app
from otel_flow.prometheus.exponential import cumulative_buckets
from otel_flow.prometheus.families import Memory, build_families
from otel_flow.prometheus.translation import label_name, metric_name
from tests.recording import Recording


OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.request.duration", "s", "histogram", "http_server_request_duration_seconds"),
        ("app.orders", "{order}", "counter", "app_orders_total"),
        ("app.orders.total", "", "counter", "app_orders_total"),
        ("disk.io", "By/s", "gauge", "disk_io_bytes_per_second"),
        ("cpu.share", "1", "gauge", "cpu_share_ratio"),
        ("size.bytes", "By", "gauge", "size_bytes"),
        ("2xx", "", "gauge", "_2xx"),
        ("a..b--c", "furlong", "gauge", "a_b_c_furlong"),
    ],
)
def test_metric_names(name, unit, kind, expected):
    """Names follow the rules of Prometheus' OTLP endpoint."""
    assert metric_name(name, unit, kind) == expected


def test_up_down_counter_is_no_ratio():
    """A sum that can fall is a gauge without `ratio`."""
    assert metric_name("features", "1", "gauge", up_down=True) == "features"


@pytest.mark.parametrize(
    ("key", "label"),
    [("http.route", "http_route"), ("2nd", "key_2nd"), ("__a.b__", "__a_b__"), ("_x", "_x")],
)
def test_label_names(key, label):
    """Labels follow the same rules."""
    assert label_name(key) == label


def families_of(record, **keywords):
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False, **keywords)
    record(provider)
    found = build_families(reader.get_metrics_data(), Resource({"service.name": "t"}), Memory())
    provider.shutdown()
    return {family.name: family for family in found}


def test_equal_names_of_two_scopes():
    """Two scopes' metrics of one name keep their own labels; equal series are told apart."""

    def record(provider):
        provider.get_meter("a").create_counter("work").add(1, {"zeta": "z"})
        provider.get_meter("b").create_counter("work").add(2, {"alpha": "x"})
        provider.get_meter("b").create_counter("work").add(3, {"zeta": "z"})

    samples = families_of(record)["work"].samples
    assert {(frozenset(s.labels.items()), s.value) for s in samples} == {
        (frozenset({("zeta", "z")}), 1),
        (frozenset({("alpha", "x")}), 2),
        (frozenset({("zeta", "z"), ("otel_scope_name", "b")}), 3),
    }


def test_one_name_of_two_types(caplog):
    """A second type under one name is left out, with one line for all scrapes."""

    def record(provider):
        provider.get_meter("a").create_gauge("size").set(1)
        provider.get_meter("b").create_histogram("size").record(2)

    assert families_of(record)["size"].type == "gauge"
    assert [r.getMessage() for r in caplog.records if r.name.startswith("otel_flow")] == [
        "size is a gauge and a histogram; the second is left out"
    ]


def test_labels_that_become_the_same():
    """Attributes whose names become one label are joined."""

    def record(provider):
        provider.get_meter("a").create_counter("c").add(1, {"a.b": "x", "a_b": "y", "n": [1, 2]})

    (sample,) = families_of(record)["c"].samples
    assert sample.labels == {"a_b": "x;y", "n": "[1,2]"}


@given(
    st.lists(st.floats(0, 1e9) | st.sampled_from([0.5, 1.0, 2.0, 1024.0]), min_size=1, max_size=60),
    st.integers(2, 160),
)
def test_exponential_histogram_counts_exactly(values, size):
    """Each bucket of a converted exponential histogram counts the values up to its bound."""
    reader = InMemoryMetricReader()
    view = View(
        instrument_name="h", aggregation=ExponentialBucketHistogramAggregation(max_size=size)
    )
    provider = MeterProvider(metric_readers=[reader], views=[view], shutdown_on_exit=False)
    histogram = provider.get_meter("m").create_histogram("h")
    for value in values:
        histogram.record(value)
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    (point,) = metrics[0].data.data_points
    provider.shutdown()

    buckets = cumulative_buckets(point)
    assert buckets[-1] == (math.inf, len(values))
    assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
    for bound, count in buckets:
        assert count == sum(value <= bound for value in values)


SERVICE = """
import os, signal, sys, time
import otel_flow
from opentelemetry import metrics, trace
from otel_flow.prometheus import serve
handle = otel_flow.configure(service_name="shop", environment="test", log_format="json")
meter = metrics.get_meter("m")
counter = meter.create_counter("work.done", unit="{unit}")
histogram = meter.create_histogram("work.duration", unit="s")
def work():
    with trace.get_tracer("t").start_as_current_span("work") as span:
        counter.add(1)
        histogram.record(0.3, {"kind": "a"})
        return trace.format_trace_id(span.get_span_context().trace_id)
def end_of_child(patience=90):
    child = os.fork()
    if child == 0:
        sys.exit(7)
    end = time.monotonic() + patience
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1])
print(serve(handle, port=0), flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


class Service:
    """A program with telemetry that is told what to do line by line."""

    def __init__(self, endpoint: str, **environ: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVICE],
            env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = self.line()

    def line(self) -> str:
        return self._process.stdout.readline().strip()

    def do(self, expression: str) -> str:
        self._process.stdin.write(f"{expression}\n")
        self._process.stdin.flush()
        return self.line()

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


@pytest.fixture
def service(receiver):
    """Make services, and end them."""

    def begin(**environ):
        made.append(Service(receiver.endpoint, **environ))
        return made[-1]

    made = []
    yield begin
    for each in made:
        each.stop()


def scrape(port, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read(), dict(answer.headers)


def samples_of(body):
    return {
        (sample.name, frozenset(sample.labels.items())): sample
        for family in parse(body.decode())
        for sample in family.samples
    }


def test_scrape_and_export_lose_nothing_to_each_other(service, receiver):
    """Exemplars that a scrape showed still reach OTLP, and a second scrape shows them again."""
    shop = service()
    trace_id = shop.do("work()")
    for _ in range(2):
        body, headers = scrape(shop.port, **OPEN_METRICS)
        assert headers["content-type"].startswith("application/openmetrics-text")
        samples = samples_of(body)
        bucket = samples["work_duration_seconds_bucket", frozenset({("kind", "a"), ("le", "5.0")})]
        assert (bucket.value, bucket.exemplar.labels["trace_id"]) == (1, trace_id)
        assert samples["work_done_total", frozenset()].exemplar.labels["trace_id"] == trace_id
    shop.do("handle.force_flush()")

    exported = [
        exemplar.trace_id.hex()
        for request in receiver.requests
        for resource in getattr(request, "resource_metrics", ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "work.duration"
        for point in metric.histogram.data_points
        for exemplar in point.exemplars
    ]
    assert exported == [trace_id]


def test_text_format(service):
    """Without OpenMetrics the text format is given, compressed when accepted, without exemplars."""
    shop = service()
    shop.do("work()")

    body, headers = scrape(shop.port, **{"Accept-Encoding": "gzip"})

    assert headers["content-encoding"] == "gzip"
    text = gzip.decompress(body).decode()
    assert "# TYPE work_done_total counter" in text
    assert "target_info{" in text
    assert 'deployment_environment_name="test"' in text
    assert " # {" not in text


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
        {
            "OTEL_METRICS_EXPORTER": "otlp,prometheus",
            "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        },
    ],
)
def test_without_cumulative_export(service, environ):
    """Pull alone, and beside deltas, is answered from a reader of its own."""
    shop = service(**environ)
    shop.do("work()")
    shop.do("handle.force_flush()")
    shop.do("work()")

    body, _ = scrape(shop.port, **OPEN_METRICS)
    assert samples_of(body)["work_done_total", frozenset()].value == 2


def test_exponential_histograms_are_scraped(service):
    """Exponential histograms do not fail the scrape."""
    preference = "base2_exponential_bucket_histogram"
    shop = service(OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=preference)
    shop.do("work()")

    body, _ = scrape(shop.port, **OPEN_METRICS)
    samples = samples_of(body)
    bucket = samples["work_duration_seconds_bucket", frozenset({("kind", "a"), ("le", "0.5")})]
    assert bucket.value == 1


def test_token(service):
    """With a token a scrape without it is refused."""
    shop = service(OTEL_FLOW_PROMETHEUS_TOKEN="s3cret")

    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(shop.port)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(shop.port, Authorization="Bearer wrong")
    assert scrape(shop.port, Authorization="Bearer s3cret")[0]


def test_methods(service):
    """HEAD is answered without a body, POST is refused."""
    shop = service()
    connection = http.client.HTTPConnection("127.0.0.1", int(shop.port), timeout=10)
    connection.request("HEAD", "/metrics")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.request("POST", "/metrics")
    assert connection.getresponse().status == 405
    connection.close()


def test_port_is_taken(service):
    """A second process on the port says so and runs on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        shop = service(OTEL_METRICS_EXPORTER="otlp,prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=port)
        line = json.loads(shop.port)
        assert line["event"].startswith("Prometheus cannot scrape this process on localhost:")
        assert int(shop.line()) > 0
        assert len(shop.do("work()")) == 32


def test_a_forked_child_ends(service):
    """A child has no thread that answers scrapes, and waits for none at its end; the parent's goes on."""
    shop = service()

    assert shop.do("end_of_child()") == "7"
    assert b"target_info" in scrape(shop.port)[0]


def test_callback_that_raises(service):
    """A callback that raises costs its own metric, not the scrape."""
    shop = service()
    shop.do("meter.create_observable_gauge('bad', callbacks=[lambda options: 1 / 0]) and 0")
    shop.do("work()")

    body, _ = scrape(shop.port, **OPEN_METRICS)
    assert samples_of(body)["work_done_total", frozenset()].value == 1


def test_asgi():
    """The ASGI application answers off the event loop, with the request's headers."""
    recording = Recording()
    recording.telemetry.pipeline = _Pulled(recording)
    counter = recording.telemetry.meter_provider.get_meter("m").create_counter("work.done")
    counter.add(3)
    loop_thread = []
    seen = []

    def observe(_options):
        seen.append(threading.current_thread())
        return []

    recording.telemetry.meter_provider.get_meter("m").create_observable_gauge(
        "g", callbacks=[observe]
    )

    async def ask():
        loop_thread.append(threading.current_thread())
        transport = httpx.ASGITransport(app=asgi_app(recording.telemetry, token="t"))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.get("/metrics", headers={"Authorization": "Bearer t"})

    answer = asyncio.run(ask())
    recording.close()

    assert "work_done_total 3.0" in answer.text
    assert seen
    assert loop_thread[0] not in seen


class _Pulled:
    """The pipeline of a recording, whose reader can be scraped."""

    def __init__(self, recording):
        self.scrape = Scrape(recording._reader)
        self.shutdown = recording.telemetry.pipeline.shutdown


def test_without_telemetry():
    """Before configure() there is nothing to mount."""
    with pytest.raises(NotConfiguredError):
        asgi_app()


def test_without_metrics():
    """Without cumulative metrics the error names the variable."""
    recording = Recording()
    with pytest.raises(NothingToScrapeError, match="OTEL_METRICS_EXPORTER"):
        asgi_app(recording.telemetry)
    recording.close()
