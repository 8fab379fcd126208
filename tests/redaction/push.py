"""A program that pushes every canary and look-alike through every signal."""

from __future__ import annotations

import logging
import math
import sys
import urllib.request

import structlog

from opentelemetry import baggage, metrics, propagate, trace
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

import otel_flow

from otel_flow.prometheus import serve
from tests.redaction.canaries import canaries, survivors


OWN_CHAIN = [
    structlog.processors.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
]


def fail(text):
    """Raise what tells *text*."""
    raise RuntimeError(text)


def push(tracer, counter, log, key, value):
    """Have *value* under *key* in everything that a program records."""
    text = f"{key}={value}"
    plain = value if isinstance(value, str | int | float | list) else str(value)
    linked = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with tracer.start_as_current_span(text, links=[Link(linked, {key: plain})]) as span:
        span.set_attribute(key, plain)
        span.add_event(text, {key: plain})
        span.set_status(Status(StatusCode.ERROR, text))
        counter.add(1, {key: plain if isinstance(plain, int | float) else str(plain)})
        log.warning(text, **{key: value})
        logging.getLogger("std").error("%s", text, extra={"payload": {key: value}})
        try:
            fail(text)
        except RuntimeError as error:
            span.record_exception(error)
            log.exception("broken", cause=error)
        carrier: dict[str, str] = {}
        propagate.inject(carrier, baggage.set_baggage(key, str(plain)))
        print("carrier", carrier)


def main(own_chain: str) -> None:
    """Push the whole list, and the list of look-alikes behind it."""
    if own_chain == "own":
        structlog.configure(OWN_CHAIN)
    telemetry = otel_flow.configure(
        service_name="canary", metric_interval=3600, exporters=[ConsoleLogRecordExporter()]
    )
    telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    telemetry.meter_provider.add_metric_reader(
        PeriodicExportingMetricReader(ConsoleMetricExporter(), math.inf)
    )
    tracer = trace.get_tracer("canary")
    counter = metrics.get_meter("canary").create_counter("canaries")
    log = structlog.get_logger("canary")
    for canary in canaries():
        push(tracer, counter, log, canary.key, canary.value)
    for key, value in survivors():
        push(tracer, counter, log, key, value)
    port = serve(telemetry, port=0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        print(page.read().decode())


if __name__ == "__main__":
    main(sys.argv[1])
