"""How long a process takes to end when what it sends to is gone, and what it says then."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.delivery.backend import black_hole


DEADLINE = 1.0
SLACK = 4.0
"""For an interpreter to end in, on a machine that does much else; upstream takes 14 to 30 s."""

SCRIPT = """
import sys, time, otel_flow
from opentelemetry import metrics, trace
otel_flow.configure(service_name="ends", shutdown_timeout=1.0)
trace.get_tracer("t").start_span("work").end()
metrics.get_meter("t").create_counter("orders").add(1)
print("ready", flush=True)
if sys.argv[1] == "wait":
    time.sleep(60)
"""

CHILDREN = """
import multiprocessing, time, otel_flow
from opentelemetry import trace

otel_flow.configure(service_name="ends", shutdown_timeout=2.0)
tracer = trace.get_tracer("t")

def work():
    tracer.start_span("work").end()

context = multiprocessing.get_context("fork")
for _ in range(5):
    child = context.Process(target=work)
    child.start()
    began = time.monotonic()
    child.join()
    print(time.monotonic() - began, flush=True)
"""

LATE = """
import signal, sys, time
from otel_flow import process

def leave(seconds):
    print("leaving", flush=True)
    time.sleep(1)
    print("left", flush=True)

if sys.argv[1] == "exit":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
process.on_exit(leave, name="test")
process.install(5)
"""

TWICE = """
import sys, time
from otel_flow import process

def flush(seconds):
    time.sleep(seconds)
    return False

def leave(seconds):
    print(seconds, flush=True)

process.on_flush(flush, name="test")
process.on_exit(leave, name="test")
process.install(0.5)

from otel_flow.process.hooks import flush_now
flush_now()
"""


@pytest.fixture(params=["refused", "black hole"])
def endpoint(request):
    if request.param == "refused":
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{reserved.getsockname()[1]}"
    else:
        with black_hole() as port:
            yield f"http://127.0.0.1:{port}"


def start(source, endpoint, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", ["exit", "SIGTERM"])
def test_a_process_ends_by_the_deadline(endpoint, how):
    """At exit and at SIGTERM a dead Collector costs the deadline at most, and the loss is said."""
    with start(SCRIPT, endpoint, "wait" if how == "SIGTERM" else "go") as process:
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        seconds = time.monotonic() - began

    assert seconds < DEADLINE + 0.25 + SLACK
    assert process.returncode == (-signal.SIGTERM if how == "SIGTERM" else 0)
    assert "left behind at shutdown: 1 span" in errors


def test_recycled_children_do_not_wait_for_a_dead_collector(endpoint):
    """Once a deadline has passed in vain, no child of the family waits for another one."""
    with start(CHILDREN, endpoint) as process:
        output, errors = process.communicate(timeout=120)
    first, *others = map(float, output.split())

    assert process.returncode == 0
    assert errors.count("left behind at shutdown: 1 span") == 5
    # Half a second each; the first one may have had to find out.
    assert first < 2 + 0.25 + SLACK
    assert sorted(others)[1] < 2


def test_a_process_that_passes_two_ends_has_one_deadline():
    """What a flush at one end of a process has spent in vain is not spent again at the next."""
    with start(TWICE, "http://127.0.0.1:1") as process:
        output, _ = process.communicate(timeout=60)

    assert float(output) == 0


@pytest.mark.parametrize(("handler", "status"), [("default", -signal.SIGTERM), ("exit", 0)])
def test_a_signal_does_not_interrupt_the_exit(handler, status):
    """SIGTERM while what is left is being delivered: it is delivered, and the status is as ever."""
    with start(LATE, "http://127.0.0.1:1", handler) as process:
        assert process.stdout.readline() == "leaving\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)

    assert output.endswith("left\n")
    assert process.returncode == status
