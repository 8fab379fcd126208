"""What a process imports, and when."""

import os
import subprocess
import sys

import pytest


SCRIPT = """
import os, sys, threading, otel_flow, structlog
from opentelemetry import metrics, trace

telemetry = otel_flow.configure(service_name="imports", log_format="json")
imported = []

def hook(event, arguments):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        imported.append(arguments[0])

sys.addaudithook(hook)
telemetry.instrument()
with trace.get_tracer("t").start_as_current_span("work", attributes={"password": "secret"}):
    metrics.get_meter("t").create_histogram("orders").record(1)
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("failed")
telemetry.force_flush(float(sys.argv[1]))
print("imported", imported, flush=True)
os._exit(0)
"""
NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("seconds", "environ"),
    [
        (30, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
        (2, {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY}),
        (2, {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY.replace("http:", "https:")}),
        (2, {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
    ],
    ids=["http", "refused", "tls", "grpc"],
)
def test_nothing_is_imported_on_a_thread_of_ours(receiver, seconds, environ):
    """Sending, or failing to, imports nothing: a child forked meanwhile could never import the same."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(seconds)],
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert len(receiver.spans()) == (environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") is None)
    assert ended.stdout.splitlines()[-1] == "imported []"
