"""
The delivery engine beside upstream's batch processor: cost an item, event loop, idle, exit.

Run it with ``python benchmarks/delivery.py``; it prints one table and leaves nothing running.
"""

import asyncio
import contextlib
import http.server
import multiprocessing
import socket
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_flow.delivery import build_pipeline
from otel_flow.settings import OtlpSettings, Settings


RESOURCE = Resource({"service.name": "bench", "service.instance.id": "1"})
ATTRIBUTES = {f"attribute.{n}": f"value {n}" for n in range(8)}
SPANS = 20_000


class _Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def _serve(connection):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    connection.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def sink():
    """Yield the port of a sink in a process of its own, so that it costs this one nothing."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


class Contender:
    """A tracer provider with one way of delivery."""

    def __init__(self, name, port):
        endpoint = f"http://127.0.0.1:{port}/v1/traces"
        self.provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        if name == "ours":
            settings = Settings(
                otlp_traces=OtlpSettings(endpoint=endpoint), metrics_exporters=(), logs_exporters=()
            )
            self.pipeline = build_pipeline(settings)
            self.processor = self.pipeline.span_processors[0]
            self.stop = lambda: self.pipeline.shutdown(5)
        else:
            self.processor = BatchSpanProcessor(
                OTLPSpanExporter(endpoint), max_queue_size=SPANS + 1
            )
            self.stop = self.processor.shutdown
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("bench")

    def ended_span(self):
        span = self.tracer.start_span("GET /items", attributes=ATTRIBUTES)
        span.end()
        return span


def per_item(name, port):
    """Return µs of CPU to queue one span, and of the whole way out."""
    contender = Contender("ours" if name == "ours" else "upstream", port)
    plain = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("bench")
    spans = []
    for _ in range(SPANS):
        span = plain.start_span("GET /items", attributes=ATTRIBUTES)
        span.end()
        spans.append(span)
    started, began = time.process_time(), time.thread_time()
    on_end = contender.processor.on_end
    for span in spans[:400]:
        on_end(span)
    queued = time.thread_time() - began
    for position in range(400, SPANS, 400):
        for span in spans[position : position + 400]:
            on_end(span)
        contender.processor.force_flush(10_000)
    total = time.process_time() - started
    contender.stop()
    return queued / 400 * 1e6, total / SPANS * 1e6


def worst_wake_up(name, port):
    """Return ms by which a loop is woken too late at worst, at 10 000 spans a second."""
    contender = Contender(name, port)

    async def run():
        worst = 0.0
        end = time.perf_counter() + 3
        while time.perf_counter() < end:
            for _ in range(20):
                contender.ended_span()
            started = time.perf_counter()
            await asyncio.sleep(0.002)
            worst = max(worst, time.perf_counter() - started - 0.002)
        return worst * 1e3

    late = asyncio.run(run())
    contender.stop()
    return late


def idle(name, port):
    """Return per cent of a core while nothing happens."""
    contender = Contender(name, port)
    contender.ended_span()
    contender.processor.force_flush(5_000)
    started = time.process_time()
    time.sleep(3)
    used = (time.process_time() - started) / 3 * 100
    contender.stop()
    return used


def exit_seconds(name, port):
    """Return seconds that shutdown holds its caller with one span waiting."""
    contender = Contender(name, port)
    contender.ended_span()
    started = time.perf_counter()
    contender.stop()
    return time.perf_counter() - started


def main():
    """Print the table."""
    rows = []
    with sink() as port, socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(8)
        for name in ("ours", "upstream"):
            queue, total = per_item(name, port)
            rows.append(
                (
                    name,
                    queue,
                    total,
                    worst_wake_up(name, port),
                    idle(name, port),
                    exit_seconds(name, 1),
                    exit_seconds(name, hole.getsockname()[1]),
                )
            )
    titles = ("", "queue µs", "span µs", "wake-up ms", "idle %", "refused s", "black hole s")
    print("".join(f"{title:>14}" for title in titles))
    for name, *values in rows:
        print(f"{name:>14}" + "".join(f"{value:>14.2f}" for value in values))


if __name__ == "__main__":
    main()
