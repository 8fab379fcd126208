"""Forks of a process whose locks are held, and what its children can do."""

import ast
import os
import subprocess
import sys

from pathlib import Path

import pytest

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_flow.process.locks import renew_locks_within
from tests.coverage_lock import uncovered


ROOT = Path(__file__).parents[2]
KINDS = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"}
OVER_GRPC = {"GrpcOutlet._calling"}
NEVER_FORKS = ("demo", "otlp/receiver", "testing")
"""Programs of their own, in which nothing is instrumented, and what tests of users hold still."""


def fork_with(receiver, *arguments):
    """Run the process that forks and return the words of the line that it says at its end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.process.forking", *map(str, arguments)],
        env={
            **uncovered(),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_FLOW_LOG_FILE": os.devnull,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert done.returncode == 0, "\n".join([*lines, done.stderr[-6000:]])
    return lines[-1].split()


@pytest.mark.parametrize("parts", ["ours", "grpc", "others"])
def test_no_lock_stays_held_in_a_child(receiver, parts):
    """
    A child forked while every lock of telemetry's live objects is held can take each of them.

    They are found by walking the objects: a new lock that nobody renews fails here, and
    so does one that our source makes and the walk does not find.
    """
    labels = {*fork_with(receiver, "all", parts, 1)}
    expected = {"Stream._lock", "structlog._output.WRITE_LOCKS"}
    if parts != "others":
        made = {*_made()}
        expected |= {label for label in made if (label in OVER_GRPC) <= (parts == "grpc")}
    spans = [] if parts == "grpc" else ["inner", "inner", "parent", "work", "work"]

    assert expected - labels == set()
    assert sorted(span.name for span in receiver.spans()) == spans


def _made():
    """Yield owner and attribute of each lock that the source of the package keeps."""
    package = ROOT / "otel_flow"
    for file in package.rglob("*.py"):
        if str(file.relative_to(package)).startswith(NEVER_FORKS):
            continue
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(file.read_text())
        yield from _kept(tree.body, module)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield from _kept(ast.walk(node), node.name)


def _kept(nodes, owner):
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_lock(node.value):
            (target,) = node.targets
            if isinstance(target, ast.Name):
                if owner.startswith("otel_flow."):
                    yield f"{owner}.{target.id}"
            elif isinstance(target.value, ast.Name) and target.value.id == "self":
                yield f"{owner}.{target.attr}"


def _is_lock(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "threading"
        and node.func.attr in KINDS
    )


def test_a_fork_with_each_lock_held(receiver):
    """Whichever lock is held at a fork, the child records and delivers all signals."""
    forks = int(fork_with(receiver, "each", "ours", 1)[1])

    assert sum(span.name == "work" for span in receiver.spans()) == forks + 1
    assert sum(record.body.string_value == "event" for record in receiver.records()) == forks + 1


def test_forks_of_a_busy_process(receiver):
    """Children forked while threads record and deliver do the same, and lose and double nothing."""
    recorded = fork_with(receiver, "busy", "ours", 60)[-1]
    ids = [(span.trace_id, span.span_id) for span in receiver.spans() if span.name == "work"]

    assert len(ids) == len({*ids}) == int(recorded) + 60 + 1


def test_what_is_recorded_is_not_walked_through():
    """Of an ended span only the lists are freed, of an open one all: queues hold thousands."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    ended = provider.get_tracer("t").start_span("ended")
    ended.end()
    opened = provider.get_tracer("t").start_span("open")
    (kept,) = exporter.get_finished_spans()
    locks = [kept._events._lock, kept._attributes._lock, opened._lock]
    for lock in locks:
        lock.acquire()

    renew_locks_within(exporter, opened)

    assert [lock.acquire(blocking=False) for lock in locks] == [True, False, True]


@pytest.mark.fidelity
@pytest.mark.parametrize("way", ["each", "busy"])
@pytest.mark.parametrize("parts", ["ours", "others"])
def test_a_thousand_forks(receiver, way, parts):
    """A thousand forks, with each lock held in turn or of a busy process, never hang."""
    assert int(fork_with(receiver, way, parts, 1000)[1]) >= 1000
