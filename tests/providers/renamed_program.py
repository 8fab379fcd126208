"""Telemetry on an SDK with other private names: ``python -m … NAME``, against the endpoint that is set."""

import logging
import os
import sys

from tests.providers import renamed


renamed.install(*sys.argv[1:])

import structlog  # noqa: E402

from opentelemetry import metrics, trace  # noqa: E402

import otel_flow  # noqa: E402
import otel_flow.providers.bound  # noqa: E402


telemetry = otel_flow.configure(service_name="shop", metric_interval=3600, log_format="json")
meter = metrics.get_meter("m")
counter = meter.create_counter("work.done")
durations = meter.create_histogram("work.time", unit="s")
meter.create_observable_gauge("work.waiting", [lambda _: [metrics.Observation(3)]])
counter_of_one = otel_flow.providers.bound.bind(counter, {"bound": True})


def work(name):
    with trace.get_tracer("t").start_as_current_span(name, attributes={"number": 1}) as span:
        span.set_attribute("later", "2")
        span.add_event("event", {"text": "3"})
        with trace.get_tracer("t").start_as_current_span(
            "inner", links=[trace.Link(span.get_span_context())]
        ):
            structlog.get_logger("app").info("event")
            logging.getLogger("app").warning("record")
        counter.add(1, {"bound": True})
        counter_of_one.add(1)
        durations.record(0.2)


work("parent")
child = os.fork()
if child == 0:
    status = 1
    try:
        work("child")
        status = 0 if telemetry.force_flush(60) else 2
    finally:
        os._exit(status)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert telemetry.force_flush(60)
telemetry.shutdown()
