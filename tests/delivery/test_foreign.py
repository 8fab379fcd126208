"""Exporters of others in the engine's queues: redacted, bounded, counted, under one deadline."""

import threading
import time

import pytest

from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.delivery.backend import until
from tests.delivery.test_fork import in_child
from tests.delivery.test_self_metrics import points


class Scripted(SpanExporter):
    """Does what *export* does, and remembers what it was asked for."""

    def __init__(self, export):
        self._export = export
        self.batches, self.stops = [], 0

    def export(self, spans):
        self.batches.append([span.name for span in spans])
        return self._export(spans)

    def shutdown(self):
        self.stops += 1


def succeed(_):
    return SpanExportResult.SUCCESS


@pytest.fixture
def start(build, base):
    """Build a harness with exporters of spans, and with others as they are named."""

    def start(*spans, delay=60, endpoint=base, **keywords):
        others = {k: keywords.pop(k) for k in ("log_exporters",) if k in keywords}
        exporters = {"span_exporters": spans, **others}
        return build(endpoint, delay=delay, exporters=exporters, **keywords)

    return start


def test_spans_and_records_reach_every_exporter(backend, start):
    """An exporter of others gets what OTLP gets, once, in order, with its secrets masked."""
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    flow = start(spans, log_exporters=[logs])
    for number in range(1000):
        flow.span(f"work {number}", password="hunter2")
    flow.log("line")

    assert flow.pipeline.force_flush(20)
    names = [f"work {n}" for n in range(1000)]
    assert [s.name for s in spans.get_finished_spans()] == names
    assert [s.name for s in backend.spans()] == names
    assert "hunter2" not in str([dict(s.attributes) for s in spans.get_finished_spans()])
    (record,) = logs.get_finished_logs()
    assert (record.log_record.body, record.resource.attributes["service.name"]) == ("line", "shop")


def test_batches_have_the_size_that_was_set(start):
    """An exporter is handed at most as many spans at once as a batch may have."""
    exporter = Scripted(succeed)
    flow = start(exporter, batch=30, traces_exporters=())
    for _ in range(100):
        flow.span()

    assert flow.pipeline.force_flush(20)
    assert sum(map(len, exporter.batches)) == 100
    assert max(map(len, exporter.batches)) <= 30


def test_spans_leave_after_the_delay(start):
    """Without any flush, an exporter is handed what there is after the schedule delay."""
    exporter = Scripted(succeed)
    flow = start(exporter, delay=0.05, traces_exporters=())
    flow.span()

    until(lambda: exporter.batches == [["work"]])


def fail(_):
    return SpanExportResult.FAILURE


def broken(_):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("export", "reason"), [(fail, "export_failed"), (broken, "ZeroDivisionError")]
)
def test_what_an_exporter_gives_up_is_counted(start, export, reason, capsys):
    """Spans that an exporter does not take are dropped, counted and said; the others arrive."""
    exporter = Scripted(export)
    flow = start(exporter)
    flow.span()
    delivered = flow.pipeline.force_flush(20)

    assert not delivered
    assert flow.numbers("traces (Scripted)").dropped == {reason: 1}
    assert flow.numbers("traces").delivered == 1
    assert f"traces to Scripted dropped: 1 ({reason})" in capsys.readouterr().err


def test_an_exporter_that_hangs_holds_nobody(backend, start, capsys):
    """Whatever an exporter does, the caller is back by the deadline and OTLP has its spans."""
    gate = threading.Event()
    exporter = Scripted(lambda _: gate.wait(20) and SpanExportResult.SUCCESS)
    flow = start(exporter)
    flow.span()
    started = time.monotonic()
    report = flow.pipeline.shutdown(0.5)
    seconds = time.monotonic() - started
    gate.set()

    assert seconds < 0.75
    assert report.left_behind["traces (Scripted)"] == 1
    assert "1 span (Scripted)" in capsys.readouterr().err
    until(lambda: len(backend.spans()) == 1)


def test_exporters_are_stopped_once_and_after_their_last_batch(start):
    """At shutdown an exporter gets what waits, and is then stopped."""
    exporter = Scripted(succeed)
    flow = start(exporter, traces_exporters=())
    flow.span()
    report = flow.pipeline.shutdown(20)

    assert report.delivered
    assert (exporter.batches, exporter.stops) == ([["work"]], 1)


def test_an_exporter_that_does_not_stop_holds_nobody(start):
    """A stop that hangs is abandoned at the deadline, and the report says so."""
    gate = threading.Event()
    exporter = Scripted(succeed)
    exporter.shutdown = lambda: gate.wait(20)
    flow = start(exporter, traces_exporters=())
    started = time.monotonic()
    report = flow.pipeline.shutdown(0.5)
    seconds = time.monotonic() - started
    gate.set()

    assert seconds < 0.75
    assert not report.delivered


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_process_exports_its_own(start):
    """What waits at a fork is exported by the parent alone."""
    exporter = Scripted(succeed)
    flow = start(exporter, traces_exporters=())
    flow.span("parent")

    def child():
        flow.span("child")
        return flow.pipeline.force_flush(20) and exporter.batches == [["child"]]

    assert in_child(child) == 0
    assert flow.pipeline.force_flush(20)
    assert exporter.batches == [["parent"]]


class Copied(LogRecordExporter):
    """Looks at the records that were emitted later, as exporters do."""

    def __init__(self):
        self.contexts = []

    def export(self, batch):
        self.contexts += [record.log_record.context for record in batch]
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis=30_000):
        return True

    def shutdown(self):
        pass


def test_records_keep_no_context(start):
    """A record that waits keeps nothing alive of the request that it came from."""
    exporter = Copied()
    flow = start(log_exporters=[exporter])
    flow.log()

    assert flow.pipeline.force_flush(20)
    assert exporter.contexts == [{}]


def test_exporters_are_told_apart(backend, start):
    """The engine's metrics have a component for each exporter, and one number each for a type."""
    flow = start(Scripted(succeed), Scripted(fail), delay=60)
    flow.pipeline.attach(flow.meters)
    flow.span()
    flow.pipeline.force_flush(20)
    flow.pipeline.force_flush(20)
    exported = points(backend, "otel.sdk.exporter.span.exported")
    name = f"{Scripted.__module__}.Scripted"

    assert {p["otel.component.name"] for p in exported} == {
        "otlp_http_span_exporter/0",
        f"{name}/0",
        f"{name}/1",
    }
    assert [p.get("error.type") for p in exported if p["otel.component.name"] == f"{name}/1"] == [
        None,
        "export_failed",
    ]
    processed = points(backend, "otel.sdk.processor.span.processed")
    assert {p["otel.component.name"] for p in processed} == {
        f"batching_span_processor/{n}" for n in range(3)
    }
