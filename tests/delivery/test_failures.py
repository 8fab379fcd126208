import email.utils
import socket
import time

import hypothesis
import hypothesis.strategies as st
import pytest

from opentelemetry.metrics import Observation
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_flow.delivery.verdict import parse_retry_after
from tests.delivery.backend import Backend, until


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retryable_answers_are_retried(backend, base, build, status):
    """After answers that ask for patience everything arrives, once and in order."""
    backend.script += [{"status": status}] * 2
    flow = build(base)
    for number in range(20):
        flow.span(f"work {number}")

    assert flow.pipeline.force_flush(10)
    assert [s.name for s in backend.spans()] == [f"work {n}" for n in range(20)]


@pytest.mark.parametrize("status", [302, 400, 401, 404, 500])
def test_other_failures_drop_at_once(backend, base, build, status, capsys):
    """An answer that is final drops the request with one line, and the flush says so."""
    backend.script.append({"status": status, "headers": {"Location": "http://127.0.0.1:1/"}})
    flow = build(base, delay=60)
    flow.span()

    assert not flow.pipeline.force_flush(5)
    assert flow.numbers("traces").dropped == {f"HTTP {status}": 1}
    assert f"dropped: 1 (HTTP {status})" in capsys.readouterr().err
    assert len(backend.attempts) == 1


def test_html_is_no_success(backend, base, build):
    """A login page with status 200 is not taken for a Collector."""
    backend.script.append({"type": "text/html", "body": b"<html>"})
    flow = build(base, delay=60)
    flow.span()

    assert not flow.pipeline.force_flush(5)
    assert flow.numbers("traces").delivered == 0


def test_too_large_is_split(backend, base, build):
    """A request that is too large is split until its parts are taken."""

    def size(request):
        spans = sum(len(c.spans) for g in request.resource_spans for c in g.scope_spans)
        return {"status": 413} if spans > 60 else None

    backend.refuse = size
    flow = build(base, delay=60)
    for number in range(500):
        flow.span(f"work {number}")

    assert flow.pipeline.force_flush(10)
    assert [s.name for s in backend.spans()] == [f"work {n}" for n in range(500)]


@pytest.mark.parametrize("status", [400, 500])
def test_guilty_metric_is_found(backend, base, build, status):
    """Of a refused metric request only the metric that the backend does not take is lost."""

    def guilty(request):
        names = [
            m.name for g in request.resource_metrics for c in g.scope_metrics for m in c.metrics
        ]
        return {"status": status} if "bad" in names else None

    backend.refuse = guilty
    flow = build(base)
    for name in ("one", "two", "bad", "three", "four"):
        flow.meter.create_counter(name).add(1)

    assert not flow.pipeline.force_flush(10)
    assert sorted(m.name for m in backend.metrics()) == ["four", "one", "three", "two"]
    assert flow.numbers("metrics").dropped[f"HTTP {status}"] == 1


def test_guilty_point_is_found(backend, base, build):
    """Of a refused metric only the data points that the backend does not take are lost."""

    def guilty(request):
        routes = [
            p.attributes[0].value.int_value
            for g in request.resource_metrics
            for c in g.scope_metrics
            for m in c.metrics
            for p in m.sum.data_points
        ]
        return {"status": 500} if {7, 400} & set(routes) else None

    backend.refuse = guilty
    flow = build(base, delay=60)
    counter = flow.meter.create_counter("orders", unit="{order}")
    for route in range(500):
        counter.add(1, {"route": route})

    assert not flow.pipeline.force_flush(10)
    found = [p.attributes[0].value.int_value for m in backend.metrics() for p in m.sum.data_points]
    assert found == [route for route in range(500) if route not in {7, 400}]
    assert {(m.name, m.unit, m.sum.is_monotonic) for m in backend.metrics()} == {
        ("orders", "{order}", True)
    }
    assert flow.numbers("metrics").dropped["HTTP 500"] == 2


def test_partial_success_is_counted(backend, base, build):
    """Spans that the backend refuses by partial success count as dropped, not as delivered."""
    partial = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    backend.script.append({"body": body})
    flow = build(base, delay=60)
    for _ in range(5):
        flow.span()

    assert not flow.pipeline.force_flush(5)
    numbers = flow.numbers("traces")
    assert (numbers.delivered, numbers.dropped) == (3, {"rejected": 2})


def test_possible_duplicates_are_counted(backend, base, build):
    """A connection that dies after the request was sent is a possible duplicate, and retried."""
    backend.script.append({"drop": True})
    flow = build(base, delay=60)
    flow.span()

    assert flow.pipeline.force_flush(5)
    assert flow.numbers("traces").duplicates == 1
    assert len(backend.spans()) == 1


def test_retry_after_is_honoured(backend, base, build):
    """The next attempt waits for as long as Retry-After asks."""
    backend.script.append({"status": 503, "headers": {"Retry-After": "1"}})
    flow = build(base)
    flow.span()
    until(lambda: len(backend.attempts) == 1)
    started = time.monotonic()
    until(lambda: len(backend.spans()) == 1)

    assert time.monotonic() - started > 0.9


def test_retry_after_forms():
    """Retry-After is read as seconds and as a date, bounded, and nonsense is ignored."""
    date = email.utils.formatdate(time.time() + 30, usegmt=True)

    assert parse_retry_after("2") == 2
    assert 27 < parse_retry_after(date) < 31
    assert parse_retry_after("999999") == 60
    assert parse_retry_after("-3") == 0
    assert parse_retry_after("soon") is None
    assert parse_retry_after("nan") is None
    assert parse_retry_after(None) is None


@hypothesis.given(st.text() | st.floats().map(str) | st.datetimes().map(str))
def test_retry_after_is_anything(value):
    """Whatever stands in Retry-After is a number of seconds that can be waited for, or nothing."""
    seconds = parse_retry_after(value)

    assert seconds is None or 0 <= seconds <= 60


def test_everything_arrives_after_an_outage(build, capsys):
    """What was produced while nobody listened arrives in order afterwards, with one line on it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        flow = build(f"http://127.0.0.1:{port}", delay=0.01)
        for number in range(3000):
            flow.span(f"work {number}")
        until(lambda: flow.pipeline._engine.lanes["traces"].sender.failing)
    revived = Backend(port=port)
    try:
        delivered = flow.pipeline.force_flush(20)
    finally:
        revived.close()

    assert delivered
    assert [s.name for s in revived.spans()] == [f"work {n}" for n in range(3000)]
    lines = capsys.readouterr().err.splitlines()
    assert sum("traces" in line and "fail (" in line for line in lines) == 1
    assert sum("traces" in line and "work again" in line for line in lines) == 1


def test_backlog_is_bounded_and_accounted(build):
    """In an outage memory is bounded, and produced = delivered + dropped + waiting."""
    flow = build("http://127.0.0.1:1", queue_bytes=600_000)
    for number in range(40):
        for _ in range(100):
            flow.span(f"work {number}", text="x" * 200)
        until(lambda: len(flow.pipeline._engine.lanes["traces"].queue) == 0)
    numbers = flow.numbers("traces")
    lane = flow.pipeline._engine.lanes["traces"]

    assert numbers.produced == 4000
    assert numbers.dropped["queue_full"] > 0
    assert numbers.produced == sum(numbers.dropped.values()) + numbers.delivered + numbers.waiting
    assert lane._backlog.size <= 200_000


def test_cumulative_metrics_collapse(build):
    """In an outage only the latest state of cumulative metrics waits."""
    flow = build("http://127.0.0.1:1", metric_interval=0.05)
    flow.meter.create_counter("orders").add(1)

    until(lambda: flow.numbers("metrics").dropped.get("superseded", 0) >= 3)
    assert flow.numbers("metrics").waiting <= 3


def test_delta_metrics_never_collapse(build):
    """Delta metrics all wait."""
    flow = build("http://127.0.0.1:1", metric_interval=0.05, metric_temporality="delta")
    counter = flow.meter.create_counter("orders")

    def record():
        counter.add(1)
        return flow.numbers("metrics").waiting >= 4

    until(record)
    assert "superseded" not in flow.numbers("metrics").dropped


def test_one_bad_item_costs_no_neighbour(backend, base, build):
    """A log body that is no text arrives repaired, between its neighbours."""
    flow = build(base, delay=60)
    flow.log("before")
    flow.log("\ud800")
    flow.log("after")

    assert flow.pipeline.force_flush(5)
    assert [r.body.string_value for r in backend.logs()] == ["before", "\\ud800", "after"]


def test_an_item_that_cannot_be_sent_is_counted(backend, base, build, capsys):
    """A span that nothing can be made of is dropped with its reason; its neighbours arrive."""
    flow = build(base, delay=60)
    flow.span("before")
    flow.span("huge", **{f"{n}": ["x" * 1024] * 99 for n in range(128)})
    flow.span("after")

    assert not flow.pipeline.force_flush(60)
    assert [s.name for s in backend.spans()] == ["before", "after"]
    assert flow.numbers("traces").dropped == {"too_large": 1}
    assert "dropped: 1 (too_large)" in capsys.readouterr().err


def test_a_number_over_64_bits_costs_no_neighbour(backend, base, build):
    """An observation over 64 bits arrives as a float, the other points of its metric as they are."""
    flow = build(base, delay=60)
    values = [Observation(1, {"n": 1}), Observation(2**70, {"n": 2}), Observation(3, {"n": 3})]
    flow.meter.create_observable_gauge("level", [lambda _: values])

    assert flow.pipeline.force_flush(5)
    (metric,) = backend.metrics()
    assert [p.as_int for p in metric.gauge.data_points] == [1, 0, 3]
    assert metric.gauge.data_points[1].as_double == 2.0**70


def test_headers_are_sent_and_never_said(build, capsys):
    """Header values and credentials of the endpoint stay out of every line."""
    flow = build(
        "http://user:hunter2@127.0.0.1:1", delay=60, otlp={"headers": (("api-key", "hunter2"),)}
    )
    flow.span()
    flow.pipeline.shutdown(0.2)

    assert "hunter2" not in capsys.readouterr().err


def test_fault_of_the_meter_provider_stalls_nothing(backend, base, build):
    """What a recorder of request durations raises keeps nothing from being delivered."""
    flow = build(base, delay=60)
    faults = [ZeroDivisionError()]

    def record(*_):
        if faults:
            raise faults.pop()

    flow.pipeline._engine.lanes["traces"].outlet.on_request = record
    flow.span()

    assert flow.pipeline.force_flush(5)
    assert not faults
    assert len(backend.spans()) >= 1
