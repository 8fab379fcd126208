"""Whatever a program is and however it ends, all that it did arrives."""

import signal
import time

import pytest

from tests.fidelity import evidence
from tests.fidelity.service import APPS, Program, until
from tests.fidelity.table import keep


pytestmark = pytest.mark.fidelity

both = pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(False, id="explicit", marks=pytest.mark.essential),
        pytest.param(True, id="wrapper"),
    ],
)

SENDING = 4
"""Seconds that encoding and sending may take on a machine that does much else."""

ENDS = {
    "plain": (0, 100),
    "os_exit": (0, 100),
    "processes fork": (0, 400),
    "processes spawn": (0, 400),
    "processes forkserver": (0, 400),
    "pool fork": (0, 100),
    "pool spawn": (0, 100),
    "fork": (0, 5050),
}
"""What the program does → its exit status, and the units that it does."""


@pytest.fixture
def program(collector, tmp_path):
    """Start programs with the collector's endpoint, and end them at the end."""
    started = []

    def start(command, *, wrapped=False, **environ):
        running = Program(
            f"python {APPS}/script.py {command}",
            tmp_path,
            collector.endpoint,
            wrapped=wrapped,
            **environ,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()


def counted(program, collector, name, *, wrapped, status, scenario="exit"):
    """Count, and keep the row for the table."""
    return keep(
        program,
        collector,
        model=f"python: {name}",
        init="wrapper" if wrapped else "explicit",
        scenario=scenario,
        status=status,
    )


def all_arrived(program, collector, row):
    done = evidence.ledger(program.ledger)
    arrived = evidence.read(collector.requests())

    assert arrived.units() == done
    assert arrived.logged() == done
    assert sorted(line["unit"] for line in program.lines() if "unit" in line) == done
    assert row.count == len(done), program.stderr[-2000:]


@both
@pytest.mark.parametrize("name", ENDS)
def test_what_a_program_did_arrives(name, wrapped, collector, program):
    """A program that ends by itself, in one process or many, has delivered every unit."""
    status, units = ENDS[name]
    running = program(name, wrapped=wrapped)
    row = counted(running, collector, name, wrapped=wrapped, status=running.wait())

    assert row.status == status, running.stderr[-2000:]
    assert row.done == units
    all_arrived(running, collector, row)


@both
def test_a_program_told_to_end(wrapped, collector, program):
    """SIGTERM in the middle of the work: what was done arrives, and the status stays -15."""
    running = program("loop", wrapped=wrapped)
    running.wait_for(200)
    running.send(signal.SIGTERM)
    status = running.wait()
    row = counted(running, collector, "loop", wrapped=wrapped, status=status, scenario="SIGTERM")

    assert row.status == -signal.SIGTERM
    # The unit that the signal interrupts is logged, but its span never ends.
    arrived = evidence.read(collector.requests())
    done = evidence.ledger(running.ledger)
    assert set(done) <= set(arrived.units()) <= {*done, max(done) + 1}
    assert set(done) <= set(arrived.logged()) <= {*done, max(done) + 1}
    assert len(done) <= row.count <= len(done) + 1


@both
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_terminated_child(method, wrapped, collector, program):
    """A child of multiprocessing that is terminated delivers what it did, and dies of SIGTERM."""
    running = program(f"loops {method}", wrapped=wrapped)
    running.wait_for(200)
    running.process.stdin.write(b"\n")
    running.process.stdin.flush()
    name = f"loops {method}"
    status = running.wait()
    row = counted(running, collector, name, wrapped=wrapped, status=status, scenario="SIGTERM")

    # The parent ends with the exit code of its child, as a byte.
    assert row.status == (-signal.SIGTERM) % 256
    done = evidence.ledger(running.ledger)
    arrived = evidence.read(collector.requests())
    assert set(done) <= set(arrived.units()) <= {*done, max(done) + 1}
    assert len(done) <= row.count <= len(done) + 1


@both
def test_flush_per_invocation(wrapped, collector, program):
    """A function that flushes after each call may be frozen and killed: all calls have arrived."""
    running = program("serverless", wrapped=wrapped)
    for calls in range(1, 6):
        until(lambda calls=calls: running.stdout.count("invoked") == calls, "a call")
        running.send(signal.SIGSTOP)
        running.send(signal.SIGCONT)
        if calls < 5:
            running.process.stdin.write(b"\n")
            running.process.stdin.flush()
    running.kill()
    row = counted(running, collector, "serverless", wrapped=wrapped, status=-9, scenario="SIGKILL")

    assert row.done == 5
    all_arrived(running, collector, row)


@both
def test_a_program_that_is_killed(wrapped, collector, program):
    """SIGKILL loses what is younger than a schedule delay, or a metric interval, and no more."""
    running = program(
        "loop",
        wrapped=wrapped,
        OTEL_BSP_SCHEDULE_DELAY="2000",
        OTEL_BLRP_SCHEDULE_DELAY="2000",
        OTEL_METRIC_EXPORT_INTERVAL="2000",
    )
    running.wait_for(1)
    started = time.monotonic()
    until(lambda: time.monotonic() > started + 9, "nine seconds", running.process)
    running.kill()
    killed = time.monotonic()
    row = counted(running, collector, "loop", wrapped=wrapped, status=-9, scenario="SIGKILL")

    arrived = evidence.read(collector.requests())
    safe = evidence.done_by(running.ledger, killed - 2 - SENDING)
    assert safe
    assert safe <= set(arrived.units())
    assert safe <= set(arrived.logged())
    assert row.count >= len(safe)
    # What is missing shows: the process itself has counted all of it.
    assert row.done > row.spans
