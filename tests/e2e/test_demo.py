"""The demo against a real Collector."""

import json
import subprocess
import sys

import pytest

from tests.demo.runs import environ
from tests.e2e.conftest import SECONDS
from tests.stack.query import jaeger_spans, loki_lines, poll_until


@pytest.mark.stack
def test_send_reaches_the_backends_behind_a_collector(stack):
    """With --send, each of the requests that the demo counted is a server span and a line there."""
    command = [sys.executable, "-m", "otel_flow", "demo", "--once", "--requests", "16"]
    done = subprocess.run(
        [*command, "--no-redis", "--json", "--send", stack.otlp_http],
        env=environ(NO_PROXY="127.0.0.1"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trace_ids = json.loads(done.stdout)["trace_ids"]
    assert len(trace_ids) == 16

    def servers(trace_id):
        return [span for span in jaeger_spans(stack.jaeger, trace_id) if span.kind == 2]

    def arrived():
        return all(len(servers(trace_id)) == 1 for trace_id in trace_ids)

    poll_until(arrived, SECONDS, "one server span of each request in Jaeger")
    requests = '{service_name="shop"} |= "otel_flow.http.request"'

    def logged():
        return {labels.get("trace_id") for labels, _ in loki_lines(stack.loki, requests)}

    poll_until(lambda: logged() >= set(trace_ids), SECONDS, "one line of each request in Loki")
