"""What a process imports, and when."""

import subprocess
import sys


SCRIPT = """
import sys, otel_flow, structlog
from opentelemetry import metrics, trace

telemetry = otel_flow.configure(service_name="imports", log_format="json")
with trace.get_tracer("t").start_as_current_span("work"):
    metrics.get_meter("t").create_histogram("orders").record(1)
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("failed")
before = set(sys.modules)
telemetry.force_flush(30)
print(sorted(set(sys.modules) - before), file=sys.stderr)
"""


def test_nothing_is_imported_on_a_thread_of_ours(receiver):
    """Sending imports nothing: a child forked meanwhile could never import the same module."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert len(receiver.spans()) == 1
    assert ended.stderr == "[]\n"
