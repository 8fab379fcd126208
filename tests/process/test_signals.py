"""What is delivered when a process is told to end, and how it ends."""

import os
import signal
import subprocess
import sys

from pathlib import Path

import pytest


SCRIPT = """
import time, otel_flow
from opentelemetry import trace
otel_flow.configure(service_name="script")
trace.get_tracer("t").start_span("work").end()
print("ready", flush=True)
time.sleep(60)
"""

APP = """
import otel_flow
from opentelemetry import trace
otel_flow.configure(service_name="served", log_format="json")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                trace.get_tracer("t").start_span("lifespan end").end()
                return
"""


def start(command, receiver, **environ):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.Popen(
        command,
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, text):
    """Read the output up to the line that holds *text*."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return
    raise AssertionError("".join(lines))


def test_a_script_delivers_at_sigterm_and_still_dies_of_it(receiver):
    """SIGTERM at its default action: what was recorded arrives, the exit status stays -15."""
    process = start([sys.executable, "-c", SCRIPT], receiver)
    read_until(process, "ready")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == -signal.SIGTERM
    assert [span.name for span in receiver.spans()] == ["work"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_uvicorn_delivers_what_its_lifespan_records(receiver, number, tmp_path):
    """With explicit init under uvicorn, even a span of the lifespan's end arrives."""
    (tmp_path / "served.py").write_text(APP)
    uvicorn = str(Path(sys.executable).parent / "uvicorn")
    process = start([uvicorn, "--app-dir", str(tmp_path), "--port", "0", "served:app"], receiver)
    read_until(process, "running on")
    process.send_signal(number)
    process.communicate(timeout=30)

    assert [span.name for span in receiver.spans()] == ["lifespan end"]


RECORDING = """
import os, signal, threading, time
import otel_flow
from opentelemetry import metrics
from otel_flow.providers.bound import bind

otel_flow.configure(service_name="shop")
histogram = bind(metrics.get_meter("m").create_histogram("h"), {"a": 1})

def end():
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end, daemon=True).start()
while True:
    histogram.record(1)
"""


@pytest.mark.parametrize("turn", range(5))
def test_a_signal_waits_for_what_is_being_recorded(receiver, turn):
    """A signal that comes while a series holds its lock leaves nothing behind: the lock is let go first."""
    done = subprocess.run(
        [sys.executable, "-c", RECORDING],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (-15, "")
    assert "h" in receiver.metric_names()
