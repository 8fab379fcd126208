"""What a forked child of a service has of its parent, and what it begins anew."""

import os
import subprocess
import sys

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]

START = """
import os, sys, threading, time
import otel_flow
from opentelemetry import metrics, trace

def configure(**keywords):
    return otel_flow.configure(service_name="shop", metric_interval=3600, **keywords)

def fork(function):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run(receiver, program, **variables):
    """Run *program* after the common start; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", START + program],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()


def values(receiver, name):
    """Return by instance id the last value that each process exported of the sum *name*."""
    found = {}
    for request in receiver.requests:
        for group in getattr(request, "resource_metrics", ()):
            (instance,) = [
                pair.value.string_value
                for pair in group.resource.attributes
                if pair.key == "service.instance.id"
            ]
            for scope in group.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        (point,) = metric.sum.data_points
                        found[instance] = point.as_int
    return found


LEAN = ""
UPSTREAM = """
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
KEYWORDS = {"span_processors": [SimpleSpanProcessor(InMemorySpanExporter())]}
"""


@pytest.mark.parametrize("kind", ["KEYWORDS = {}", UPSTREAM], ids=["lean", "upstream"])
def test_an_open_span_is_exported_by_who_started_it(receiver, kind):
    """A span that is open at a fork arrives once although both processes end it; new ones are its children."""
    run(
        receiver,
        kind
        + """
telemetry = configure(**KEYWORDS)
tracer = trace.get_tracer("t")

def child():
    with tracer.start_as_current_span("child"):
        pass
    span.set_attribute("by", "child")
    span.end()
    assert telemetry.force_flush(60)

with tracer.start_as_current_span("open") as span:
    fork(child)
assert telemetry.force_flush(60)
""",
    )
    spans = {span.name: span for span in receiver.spans()}

    assert sorted(span.name for span in receiver.spans()) == ["child", "open"]
    assert spans["child"].parent_span_id == spans["open"].span_id
    assert not spans["open"].attributes


def test_a_child_counts_from_zero_under_its_own_name(receiver):
    """Parent, child and grandchild each export what they counted themselves, under ids of their own."""
    run(
        receiver,
        """
telemetry = configure()
counter = metrics.get_meter("m").create_counter("work")

def grandchild():
    counter.add(100)
    assert telemetry.force_flush(60)

def child():
    counter.add(10)
    fork(grandchild)
    assert telemetry.force_flush(60)

counter.add(1)
fork(child)
assert telemetry.force_flush(60)
""",
    )
    found = values(receiver, "work")

    assert sorted(found.values()) == [1, 10, 100]


def test_the_thread_of_a_child_starts_when_it_is_needed(receiver):
    """A child that records nothing has one thread; the first span, event or measurement adds ours."""
    lines = run(
        receiver,
        """
import structlog
telemetry = configure()
counter = metrics.get_meter("m").create_counter("work")
counter.add(1)

def names():
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("otel-flow"))

def tell(what, record):
    def child():
        before = names()
        record()
        sys.stderr.write("")
        os.write(1, f"{what} {before} {names()}\\n".encode())
    fork(child)

tell("nothing", lambda: None)
tell("span", lambda: trace.get_tracer("t").start_span("s").end())
tell("measurement", lambda: counter.add(1))
tell("event", lambda: structlog.get_logger().info("e"))
""",
        OTEL_FLOW_LOG_FORMAT="json",
    )

    assert [line for line in lines if not line.startswith("{")] == [
        "nothing [] []",
        "span [] ['otel-flow']",
        "measurement [] ['otel-flow']",
        "event [] ['otel-flow']",
    ]


def test_a_child_sends_over_sockets_of_its_own(receiver):
    """A child never writes to a connection of its parent, which goes on using it."""
    lines = run(
        receiver,
        """
telemetry = configure()

def sockets():
    telemetry.force_flush(60)
    lanes = telemetry.pipeline._engine.lanes.values()
    connections = [lane.outlet._transport._connection for lane in lanes]
    return {c.sock.getsockname()[1] for c in connections if c is not None}

def record():
    trace.get_tracer("t").start_span("s").end()
    return sockets()

parent = record()
fork(lambda: os.write(1, f"{bool(record() & parent)}\\n".encode()))
print(record() == parent)
""",
    )

    assert lines == ["False", "True"]


def test_a_child_writes_lines_while_its_parent_is_stuck_in_one(receiver):
    """A child that was forked while another thread blocked in a write to stdout logs all the same."""
    lines = run(
        receiver,
        """
import structlog
telemetry = configure(log_format="json")
log = structlog.get_logger("app")
told = os.dup(1)
reading, writing = os.pipe()
os.dup2(writing, 1)
blocked = threading.Thread(target=lambda: log.info("x" * 1_000_000), daemon=True)
blocked.start()
started = os.read(reading, 1)

def child():
    os.dup2(told, 1)
    log.info("child")

fork(child)
os._exit(0)
""",
    )

    assert [line for line in lines if '"event":"child"' in line.replace('": "', '":"')]
