"""A program's three signals through a real Collector into Jaeger, Prometheus and Loki."""

import json

import pytest

from tests.bootstrap.test_configure import run
from tests.stack.query import jaeger_spans, loki_lines, poll_until, prometheus_samples


PROGRAM = """
import structlog, otel_flow
from opentelemetry import metrics, trace
otel_flow.configure(service_name="shop", environment="e2e", log_format="json")
with trace.get_tracer("t").start_as_current_span("work"):
    metrics.get_meter("m").create_counter("work.done").add(1)
    structlog.get_logger("app").info("order.placed", order_id=17)
"""


@pytest.mark.stack
def test_one_trace_id_is_found_in_all_three(stack):
    """The span in Jaeger, the line in Loki and the counter in Prometheus tell of one program."""
    done = run(PROGRAM, stack.otlp_http)
    (line,) = map(json.loads, done.stdout.splitlines())
    trace_id = line["trace_id"]

    (span,) = poll_until(lambda: jaeger_spans(stack.jaeger, trace_id), 30, "the span in Jaeger")
    found = poll_until(
        lambda: loki_lines(stack.loki, f'{{service_name="shop"}} | trace_id="{trace_id}"'),
        30,
        "the line in Loki",
    )
    (sample,) = poll_until(
        lambda: prometheus_samples(stack.prometheus, "work_done_total"), 30, "the counter"
    )

    assert span.name == "work"
    assert [(labels["span_id"], text) for labels, text in found] == [
        (line["span_id"], "order.placed")
    ]
    assert (sample["value"][1], sample["metric"]["job"]) == ("1", "shop")
    assert sample["metric"]["deployment_environment_name"] == "e2e"


AUDITING = """
import structlog, otel_flow
from opentelemetry import trace
from otel_flow import measure
otel_flow.configure(service_name="vault", log_format="json", sampler="always_off", log_level="WARNING")
with trace.get_tracer("t").start_as_current_span("work"):
    structlog.get_logger("app").warning("key.old")
    measure.audit("key.read", actor="alice", target="key/7")
"""


@pytest.mark.stack
def test_audits_are_kept_apart(stack):
    """An audit of a trace that is not sampled, below the level of logs, is in a stream of its own, once."""
    run(AUDITING, stack.otlp_http)

    def found():
        lines = loki_lines(stack.loki, '{service_name="vault"}')
        return lines if {text for _, text in lines} >= {"key.old", "key.read"} else None

    poll_until(found, 60, "both lines in Loki")
    audits = loki_lines(stack.loki, '{service_name="vault", otel_flow_audit="true"}')
    others = loki_lines(stack.loki, '{service_name="vault", otel_flow_audit=""}')

    assert [text for _, text in audits] == ["key.read"]
    assert audits[0][0]["otel_flow_audit_actor"] == "alice"
    assert [text for _, text in others] == ["key.old"]
