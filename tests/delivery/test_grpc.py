"""OTLP over gRPC: the engine's queues, deadline and fork rules, in front of a real server."""

import concurrent.futures
import os
import subprocess
import sys
import threading
import time

import grpc
import pytest

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2,
    metrics_service_pb2_grpc,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from otel_flow.delivery.grpc_status import judge_code, retry_delay
from tests.delivery.backend import black_hole, until
from tests.delivery.test_fork import in_child


class GrpcBackend:
    """Keeps what it accepted; *script* holds what calls to come are answered."""

    def __init__(self, socket=None):
        self.script = []
        self.accepted = []
        self.metadata = []
        self.calls = 0
        self.refuse = lambda _: None
        self._threads = concurrent.futures.ThreadPoolExecutor(8)
        self._server = grpc.server(self._threads, options=[("grpc.so_reuseport", 0)])
        for module, service, messages, response in (
            (trace_service_pb2_grpc, "TraceService", trace_service_pb2, "Trace"),
            (metrics_service_pb2_grpc, "MetricsService", metrics_service_pb2, "Metrics"),
            (logs_service_pb2_grpc, "LogsService", logs_service_pb2, "Logs"),
        ):
            answer = getattr(messages, f"Export{response}ServiceResponse")
            servicer = type("S", (getattr(module, f"{service}Servicer"),), {})()
            servicer.Export = lambda request, context, answer=answer: self._take(
                request, context, answer
            )
            getattr(module, f"add_{service}Servicer_to_server")(servicer, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        if socket is not None:
            self._server.add_insecure_port(f"unix:{socket}")
        self._server.start()

    def _take(self, request, context, answer):
        self.calls += 1
        self.metadata.append(dict(context.invocation_metadata()))
        say = self.script.pop(0) if self.script else self.refuse(request) or {}
        time.sleep(say.get("delay", 0))
        if "code" in say:
            context.set_trailing_metadata(say.get("trailing", ()))
            context.abort(say["code"], say.get("details", ""))
        self.accepted.append(request)
        return say.get("answer", answer())

    def of(self, *path):
        """Return all that lies on *path* in the requests, ``resource_spans`` and so on."""
        found = [r for r in self.accepted if hasattr(r, path[0])]
        for name in path:
            found = [inner for outer in found for inner in getattr(outer, name)]
        return found

    def spans(self):
        return self.of("resource_spans", "scope_spans", "spans")

    def close(self):
        self._server.stop(None).wait()
        self._threads.shutdown()


@pytest.fixture
def collector(tmp_path):
    running = GrpcBackend(tmp_path / "o.sock")
    yield running
    running.close()


@pytest.fixture
def start(build, collector):
    """Build a harness that sends to the collector, or to another endpoint, over gRPC."""

    def start(endpoint=None, *, otlp=None, **keywords):
        options = {"protocol": "grpc", "insecure": True, **(otlp or {})}
        target = endpoint or f"http://127.0.0.1:{collector.port}"
        return build(target, exact=True, otlp=options, **keywords)

    return start


def test_three_signals_arrive(collector, start):
    """What the SDK's providers record arrives once, headers with it."""
    flow = start(delay=60, otlp={"headers": (("Tenant", "a"),), "compression": "gzip"})
    flow.meter.create_counter("orders").add(3)
    for number in range(100):
        flow.span(number=number)
        flow.log(f"line {number}")

    assert flow.pipeline.force_flush(20)
    assert [s.attributes[0].value.int_value for s in collector.spans()] == list(range(100))
    logs = collector.of("resource_logs", "scope_logs", "log_records")
    assert [r.body.string_value for r in logs] == [f"line {n}" for n in range(100)]
    metrics = collector.of("resource_metrics", "scope_metrics", "metrics")
    assert [m.name for m in metrics] == ["orders"]
    assert {m["tenant"] for m in collector.metadata} == {"a"}


def test_unix_socket(collector, start, tmp_path):
    """A Unix socket is reached, without TLS."""
    flow = start(f"unix://{tmp_path}/o.sock", delay=60, otlp={"insecure": False})
    flow.span()

    assert flow.pipeline.force_flush(20)
    assert len(collector.spans()) == 1


@pytest.mark.parametrize("code", ["UNAVAILABLE", "ABORTED", "DATA_LOSS"])
def test_retryable_codes_are_retried(collector, start, code):
    """After codes that ask for patience everything arrives, in order."""
    collector.script += [{"code": grpc.StatusCode[code]}] * 2
    flow = start(logs_exporters=(), metrics_exporters=())
    for number in range(20):
        flow.span(f"work {number}")

    assert flow.pipeline.force_flush(20)
    assert [s.name for s in collector.spans()] == [f"work {n}" for n in range(20)]


def test_other_codes_drop_at_once(collector, start, capsys):
    """A final code drops the request with one line, and the flush says so."""
    collector.script.append({"code": grpc.StatusCode.PERMISSION_DENIED})
    flow = start(delay=60)
    flow.span()

    assert not flow.pipeline.force_flush(20)
    assert flow.numbers("traces").dropped == {"gRPC PERMISSION_DENIED": 1}
    assert "dropped: 1 (gRPC PERMISSION_DENIED)" in capsys.readouterr().err


def test_too_large_is_split(collector, start):
    """A request above the server's limit is split until its parts are taken."""

    def size(request):
        spans = sum(len(c.spans) for g in request.resource_spans for c in g.scope_spans)
        if spans > 60:
            details = "Received message larger than max (9 vs. 8)"
            return {"code": grpc.StatusCode.RESOURCE_EXHAUSTED, "details": details}
        return None

    collector.refuse = size
    flow = start(delay=60, metrics_exporters=())
    for number in range(300):
        flow.span(f"work {number}")

    assert flow.pipeline.force_flush(20)
    assert [s.name for s in collector.spans()] == [f"work {n}" for n in range(300)]


def test_partial_success_is_counted(collector, start):
    """Spans that are refused by partial success count as dropped."""
    answer = trace_service_pb2.ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    collector.script.append({"answer": answer})
    flow = start(delay=60, logs_exporters=(), metrics_exporters=())
    for _ in range(5):
        flow.span()

    assert not flow.pipeline.force_flush(20)
    numbers = flow.numbers("traces")
    assert (numbers.delivered, numbers.dropped) == (3, {"rejected": 2})


def details_bin(delay):
    info = Any()
    info.Pack(RetryInfo(retry_delay=delay))
    return (("grpc-status-details-bin", Status(details=[info]).SerializeToString()),)


def test_retry_info_is_read():
    """The delay that a status asks for is read from its details, and nonsense is ignored."""
    assert retry_delay(details_bin(Duration(seconds=2, nanos=500_000_000))) == 2.5
    assert retry_delay((("grpc-status-details-bin", b"\xff"), ("other", "x"))) is None
    assert retry_delay(None) is None
    assert judge_code("traces", "RESOURCE_EXHAUSTED", "", None).kind == "rejected"
    assert judge_code("traces", "RESOURCE_EXHAUSTED", "", 2.5).retry_after == 2.5


def test_retry_info_is_honoured(collector, start):
    """A busy server that says when is asked again, and then takes everything."""
    trailing = details_bin(Duration(nanos=10_000_000))
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    collector.script.append({"code": code, "trailing": trailing})
    flow = start(delay=60, logs_exporters=(), metrics_exporters=())
    flow.span()

    assert flow.pipeline.force_flush(20)
    assert len(collector.spans()) == 1


@pytest.mark.parametrize("kind", ["refused", "black hole"])
def test_shutdown_returns_by_the_deadline(start, kind):
    """Whatever the backend does not do, shutdown returns by its deadline and says what it left."""
    with black_hole() as port:
        flow = start(f"http://127.0.0.1:{1 if kind == 'refused' else port}", delay=60)
        flow.span()
        began = time.monotonic()
        report = flow.pipeline.shutdown(0.5)
        seconds = time.monotonic() - began

    assert seconds < 0.75
    assert report.left_behind["traces"] == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_process_delivers_its_own(collector, start):
    """A child forked while a call is under way delivers its own, and the parent its own, once."""
    flow = start(delay=60, logs_exporters=(), metrics_exporters=())
    flow.span("warm")
    assert flow.pipeline.force_flush(20)
    collector.script.append({"delay": 1})
    flow.span("parent")
    flush = threading.Thread(target=flow.pipeline.force_flush, args=(20,))
    flush.start()
    until(lambda: not collector.script)

    def child():
        flow.span("child")
        return flow.pipeline.force_flush(20) and flow.numbers("traces").produced == 1

    assert in_child(child) == 0
    flush.join()
    assert {s.name for s in collector.spans()} == {"child", "parent", "warm"}
    copies = sum(s.name == "parent" for s in collector.spans())
    assert copies <= 1 + flow.numbers("traces").duplicates


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_children_forked_under_load_deliver(start):
    """However often a process forks while it sends, each child delivers its span and ends."""
    flow = start(delay=0.001, logs_exporters=(), metrics_exporters=())
    stop = threading.Event()

    def load():
        while not stop.wait(0.001):
            flow.span("parent")

    def child():
        flow.span("child")
        return flow.pipeline.force_flush(30)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        statuses = [in_child(child) for _ in range(10)]
    finally:
        stop.set()
        loading.join()

    assert statuses == [0] * 10
    assert flow.pipeline.force_flush(30)


def test_exporter_is_named_by_its_protocol(collector, start):
    """The engine's own metrics say that it sends over gRPC, and to whom."""
    flow = start(delay=60)
    flow.pipeline.attach(flow.meters)
    flow.span()
    flow.pipeline.force_flush(20)
    flow.pipeline.force_flush(20)
    metrics = collector.of("resource_metrics", "scope_metrics", "metrics")
    exported = [m for m in metrics if m.name == "otel.sdk.exporter.span.exported"][-1]
    attributes = {
        a.key: a.value.string_value or a.value.int_value
        for a in exported.sum.data_points[0].attributes
    }

    assert attributes["otel.component.type"] == "otlp_grpc_span_exporter"
    assert (attributes["server.address"], attributes["server.port"]) == (
        "127.0.0.1",
        collector.port,
    )


@pytest.mark.parametrize(
    ("keywords", "loaded"), [("", "False"), ("protocol='grpc', insecure=True", "True")]
)
def test_grpc_is_imported_only_when_it_is_chosen(keywords, loaded):
    """Without gRPC nothing of it is loaded."""
    code = (
        "import sys; from otel_flow.delivery import build_pipeline;"
        "from otel_flow.settings import OtlpSettings, Settings;"
        f"o = OtlpSettings(endpoint='http://127.0.0.1:1/v1/traces', {keywords});"
        "p = build_pipeline(Settings(otlp_traces=o, metrics_exporters=(), logs_exporters=()));"
        "print('grpc' in sys.modules); p.shutdown(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert done.stdout.strip() == loaded
