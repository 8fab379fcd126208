"""
The delivery engine beside upstream's batch processor: cost an item, event loop, idle, exit.

Run it with ``python benchmarks/delivery.py``; it prints one table, alternates the
contenders, shows medians of the rounds, and leaves nothing running. The sink is a process
of its own. ``python benchmarks/encoding.py`` has the encoders alone.
"""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import threading
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.sink import sink
from otel_flow.delivery import build_pipeline
from otel_flow.settings import OtlpSettings, Settings


RESOURCE = Resource({"service.name": "bench", "service.instance.id": "1"})
ATTRIBUTES = {f"attribute.{n}": f"value {n}" for n in range(8)}
SPANS = 10_000
ROUNDS = 5
CONTENDERS = ("ours", "upstream")


class Contender:
    """A tracer provider with one way of delivery, or with none."""

    def __init__(self, name, port):
        endpoint = f"http://127.0.0.1:{port}/v1/traces"
        self.provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.tracer = self.provider.get_tracer("bench")
        self.processor, self.stop = None, lambda: None
        if name == "ours":
            settings = Settings(
                otlp_traces=OtlpSettings(endpoint=endpoint), metrics_exporters=(), logs_exporters=()
            )
            pipeline = build_pipeline(settings)
            self.processor = pipeline.span_processors[0]
            self.stop = lambda: pipeline.shutdown(5)
        elif name == "upstream":
            exporter = OTLPSpanExporter(endpoint)
            self.processor = BatchSpanProcessor(exporter, max_queue_size=SPANS + 1)
            self.stop = self.processor.shutdown
        if self.processor is not None:
            self.provider.add_span_processor(self.processor)

    def ended_span(self):
        span = self.tracer.start_span("GET /items", attributes=ATTRIBUTES)
        span.end()
        return span


def per_item(name, port):
    """Return µs of CPU to queue one span, and of its whole way out."""
    contender, plain = Contender(name, port), Contender("nothing", port)
    spans = [plain.ended_span() for _ in range(SPANS)]
    on_end = contender.processor.on_end
    queued, started = 0.0, time.process_time()
    for position in range(0, SPANS, 400):
        began = time.thread_time()
        for span in spans[position : position + 400]:
            on_end(span)
        queued += time.thread_time() - began
        contender.processor.force_flush(10_000)
    total = time.process_time() - started
    contender.stop()
    return {"queue, µs a span": queued / SPANS * 1e6, "whole way, µs a span": total / SPANS * 1e6}


def worst_wake_up(name, port):
    """Return by how many ms a loop is woken too late at worst, at 5 000 spans a second."""
    contender = Contender(name, port)

    async def run():
        late = []
        end = time.perf_counter() + 3
        while time.perf_counter() < end:
            for _ in range(10):
                contender.ended_span()
            started = time.perf_counter()
            await asyncio.sleep(0.002)
            late.append((time.perf_counter() - started - 0.002) * 1e3)
        return late

    late = sorted(asyncio.run(run()))
    contender.stop()
    return {"wake-up, worst ms": late[-1], "wake-up, 99 % ms": late[-1 - len(late) // 100]}


def idle(name, port):
    """Return threads, and per cent of a core, while nothing happens."""
    before = set(threading.enumerate())
    contender = Contender(name, port)
    contender.ended_span()
    contender.processor.force_flush(5_000)
    started = time.process_time()
    time.sleep(3)
    used = (time.process_time() - started) / 3 * 100
    threads = len(set(threading.enumerate()) - before)
    contender.stop()
    return {"idle, % of a core": used, "threads, idle": threads}


def exits(name, _port):
    """Return seconds that shutdown holds its caller with one span waiting."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(8)
        found = {}
        for what, port in (("refused", 1), ("black hole", hole.getsockname()[1])):
            contender = Contender(name, port)
            contender.ended_span()
            started = time.perf_counter()
            contender.stop()
            found[f"exit, {what}, s"] = time.perf_counter() - started
    return found


_PROGRAM = """
import json, os, pathlib, sys, time
started = time.process_time()
name, port = sys.argv[1], sys.argv[2]
base = f"http://127.0.0.1:{port}"
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
if name == "ours":
    from otel_flow.delivery import build_pipeline
    from otel_flow.settings import OtlpSettings, Settings
    signals = ("traces", "metrics", "logs")
    pipeline = build_pipeline(
        Settings(**{f"otlp_{s}": OtlpSettings(endpoint=f"{base}/v1/{s}") for s in signals})
    )
    spans, logs = pipeline.span_processors, pipeline.log_record_processors
    readers = pipeline.metric_readers
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    spans = [BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces"))]
    logs = [BatchLogRecordProcessor(OTLPLogExporter(f"{base}/v1/logs"))]
    readers = [PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))]
tracers = TracerProvider(shutdown_on_exit=False)
for processor in spans:
    tracers.add_span_processor(processor)
loggers = LoggerProvider(shutdown_on_exit=False)
for processor in logs:
    loggers.add_log_record_processor(processor)
MeterProvider(readers, shutdown_on_exit=False)
built = time.process_time() - started
tracer = tracers.get_tracer("bench")
attributes = {f"attribute.{n}": f"value {n}" for n in range(8)}
for batch in range(40):
    for _ in range(500):
        tracer.start_span("GET /items", attributes=attributes).end()
    spans[0].force_flush(10_000)
pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
print(json.dumps({"start-up, ms of CPU": built * 1e3, "memory after 20 000 spans, MB": memory}))
os._exit(0)
"""


def program(name, port):
    """Return what a program of its own costs: imports and building, and its memory."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, name, str(port)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def measured(port):
    """Return row → contender → the values of the rounds."""
    rows = {}
    for measure in (per_item, worst_wake_up, idle, program, exits):
        # An exit of upstream's takes up to half a minute.
        for _ in range(1 if measure is exits else ROUNDS):
            for name in CONTENDERS:
                for row, value in measure(name, port).items():
                    rows.setdefault(row, {}).setdefault(name, []).append(value)
    return rows


def main():
    """Print the table."""
    with sink() as port:
        rows = measured(port)
    print("| | ours | upstream | ratio |\n|---|--:|--:|--:|")
    for row, values in rows.items():
        ours, theirs = (statistics.median(values[name]) for name in CONTENDERS)
        ratio = f"{theirs / ours:.1f}" if ours else ""
        print(f"| {row} | {ours:.2f} | {theirs:.2f} | {ratio} |")


if __name__ == "__main__":
    main()
