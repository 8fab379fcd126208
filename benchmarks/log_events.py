"""
What a log event costs: structlog to stdout and OTLP, ours beside upstream's, in one run.

``python benchmarks/log_events.py [events]``. Both write the same event, four values and an
id that is new each time, inside a span, to a line on /dev/null and a record that a process
beside takes. Measured are the microseconds of the thread that logs and of the whole
process, export included; the rounds alternate, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks.sink import sink


ROUNDS = 5
EVENTS = 20_000

_COMMON = """
import os, sys, time, structlog
from opentelemetry import trace
events = int(sys.argv[1])
sys.stdout = open(os.devnull, "w")
"""

OURS = """
import otel_flow
telemetry = otel_flow.configure(service_name="bench", log_format="json")
flush = lambda: telemetry.force_flush(60)
"""

UPSTREAM = """
import logging
from opentelemetry import _logs
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
provider = LoggerProvider(resource=Resource.create({"service.name": "bench"}))
provider.add_log_record_processor(
    BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=1_000_000))
_logs.set_logger_provider(provider)
logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[
    logging.StreamHandler(sys.stdout), LoggingHandler(logger_provider=provider)])
def ids(_logger, _name, event):
    context = trace.get_current_span().get_span_context()
    event["trace_id"] = format(context.trace_id, "032x")
    event["span_id"] = format(context.span_id, "016x")
    return event
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso"), ids,
        structlog.processors.format_exc_info, structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
flush = lambda: provider.force_flush(60_000)
"""

BARE = """
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"), structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.PrintLoggerFactory(),
    wrapper_class=structlog.make_filtering_bound_logger(20),
)
flush = lambda: None
"""

_LOOP = """
log = structlog.get_logger("shop.orders")
def write(count):
    for number in range(count):
        log.info("order.placed", order_id=number, customer="c-17", total=12.5, express=False)
structlog.contextvars.bind_contextvars(tenant="acme")
with trace.get_tracer("bench").start_as_current_span("request"):
    write(2000)
    flush()
    whole, thread = time.process_time(), time.thread_time()
    write(events)
    thread = time.thread_time() - thread
    flush()
    whole = time.process_time() - whole
print(thread / events * 1e6, whole / events * 1e6, file=sys.stderr)
os._exit(0)
"""

CONTENDERS = {"structlog alone": BARE, "upstream": UPSTREAM, "otel-flow": OURS}


def _once(name: str, endpoint: str, events: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _COMMON + CONTENDERS[name] + _LOOP, str(events)],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    thread, whole = done.stderr.split()[-2:]
    return float(thread), float(whole)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    with sink() as port:
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                results[name].append(_once(name, f"http://127.0.0.1:{port}", events))
    print(f"{ROUNDS} rounds of {events} events, µs an event, median (least-most)")
    print("| | thread that logs | whole process |\n|---|---|---|")
    for name, rounds in results.items():
        shown = [_spread(column) for column in zip(*rounds, strict=True)]
        print(f"| {name} | {shown[0]} | {shown[1]} |")
    print(json.dumps({"events": events, "time": time.time(), "results": results}))


def _spread(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


if __name__ == "__main__":
    main()
