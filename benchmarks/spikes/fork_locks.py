"""
Spike: which locks hang a forked child when another thread held them at the fork?

One after the other, every lock that is found by walking the live objects of telemetry is held
by a thread while the process forks; the child then records a span, three metrics and a log
event and delivers them. A child that does not end in time hangs on that lock. Run it with
``python benchmarks/spikes/fork_locks.py``: the SDK alone first, otel-flow then.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time

from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PATIENCE = 5.0


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def start_upstream():
    """Set the SDK up as its documentation does; return what flushes it."""
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3.6e6)
    meters = MeterProvider([reader], views=[exponential()])
    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    _logs.set_logger_provider(loggers)
    return lambda: all(p.force_flush() for p in (tracers, meters, loggers))


def start_ours():
    import otel_flow

    telemetry = otel_flow.configure(
        service_name="spike", metric_interval=3600, views=[exponential()]
    )
    return lambda: telemetry.force_flush(PATIENCE)


def exponential():
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

    return View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())


def work(number: int) -> None:
    import structlog

    from opentelemetry import _logs, metrics, trace

    with trace.get_tracer("spike").start_as_current_span("span"):
        trace.get_tracer(f"spike.{number}")
        meter = metrics.get_meter("spike")
        meter.create_counter("count").add(1)
        meter.create_histogram("time").record(1)
        meter.create_histogram("exponential").record(number + 1)
        _logs.get_logger("spike").emit(_logs.LogRecord(body="event"))
        structlog.wrap_logger(structlog.PrintLogger(sys.stderr)).msg("event")


@contextlib.contextmanager
def held(locks):
    ready, done = threading.Event(), threading.Event()

    def hold():
        taken = [lock for lock in locks if lock.acquire(blocking=False)]
        ready.set()
        done.wait()
        for lock in taken:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    yield
    done.set()
    thread.join()


def hangs(flush) -> bool:
    child = os.fork()
    if child == 0:
        work(1)
        flush()
        os._exit(0)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def try_all(flush) -> None:
    from tests.process.live_locks import live_locks

    work(0)
    found = live_locks()
    hung = []
    for label, locks in found.items():
        with held(locks):
            if hangs(flush):
                hung.append(label)
    count = sum(len(locks) for locks in found.values())
    print(f"{count} locks of {len(found)} kinds; a child hangs on {len(hung)} kinds")
    for label in hung:
        print(f"  {label}")


def main() -> None:
    if len(sys.argv) > 1:
        try_all({"upstream": start_upstream, "ours": start_ours}[sys.argv[1]]())
        os._exit(0)
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environ = {
        **clean,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.server_port}",
        "PYTHONWARNINGS": "ignore",
    }
    for side in ("upstream", "ours"):
        print(f"{side}:", flush=True)
        command = [sys.executable, __file__, side]
        subprocess.run(command, env=environ, stderr=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
