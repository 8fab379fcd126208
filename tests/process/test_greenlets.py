"""Forks of processes whose threads are greenlets, which a fork copies."""

import os
import subprocess
import sys

import pytest

from tests.servers import free_port


FORKING = """
import os, sys
import otel_flow.process.fork
import gevent.monkey
gevent.monkey.patch_all()
import threading, time
import otel_flow
from opentelemetry import trace

telemetry = otel_flow.configure(service_name="shop")
telemetry.instrument()
tracer = trace.get_tracer("t")
with tracer.start_as_current_span("parent"):
    pass
telemetry.force_flush(0.6)
child = os.fork()
if not child:
    time.sleep(2)
    with tracer.start_as_current_span("child"):
        pass
    delivered = telemetry.force_flush(5)
    print("delivered", delivered, flush=True)
    os._exit(0)
os.waitpid(child, 0)
telemetry.shutdown(0.1)
os._exit(0)
"""


@pytest.mark.parametrize("up", [True, False], ids=["collector", "none"])
def test_a_fork_of_greenlets_is_quiet(receiver, up):
    """No copy of a thread goes on in the child: what the child records arrives, and stderr is ours."""
    endpoint = receiver.endpoint if up else f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-c", FORKING],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout == f"delivered {up}\n"
    assert [line for line in done.stderr.splitlines() if not line.startswith("otel_flow.")] == []
    if up:
        assert [span.name for span in receiver.spans()] == ["parent", "child"]
