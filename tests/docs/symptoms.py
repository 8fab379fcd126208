"""A service with a span, two events and a counter, one of the events from a thread."""

import logging
import sys

from concurrent.futures import ThreadPoolExecutor

import structlog

from opentelemetry import metrics, propagate, trace

import otel_flow

from otel_flow.instrumentation.instrumentors import ThreadsInstrumentor


otel_flow.configure(shutdown_timeout=2.0)
ThreadsInstrumentor().instrument()
if "--logging" in sys.argv:
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    LoggingInstrumentor().instrument()

with trace.get_tracer("shop").start_as_current_span("order"), ThreadPoolExecutor(1) as pool:
    structlog.get_logger().info("in the span")
    pool.submit(structlog.get_logger().info, "in a thread").result()
    logging.getLogger("shop").warning("by stdlib")
    headers = {}
    propagate.inject(headers)
    structlog.get_logger().info("sent on", headers=sorted(headers))
metrics.get_meter("shop").create_counter("orders").add(1)
