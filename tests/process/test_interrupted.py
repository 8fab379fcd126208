"""Signals that come while the main thread is in telemetry itself, and handlers that flush."""

import subprocess
import sys

from pathlib import Path

from otel_flow.process.frames import is_interrupting
from tests.coverage_lock import uncovered


ROOT = Path(__file__).parents[2]


def interrupted(receiver, way):
    """Return what the flushes of a signal handler have returned, in words."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.process.interrupted", way],
        env={**uncovered(), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout.splitlines()[-1].split()


def test_a_flush_in_a_handler_never_waits_for_its_own_thread(receiver):
    """Whichever lock of telemetry the interrupted thread holds, the flush returns by its deadline."""
    flushed = interrupted(receiver, "locks")

    assert len([span for span in receiver.spans() if span.name == "work"]) == len(flushed) + 1
    assert "True" in flushed


def test_a_flush_in_a_callback_collects_no_second_time(receiver):
    """Where whoever flushes collects, a flush in the middle of that says that values are missing."""
    assert interrupted(receiver, "callback") == ["False"]
    assert "count" in receiver.metric_names()


def test_calls_of_ours_on_the_way_do_not_count():
    """A call of ours by a user is no interruption of ours; one that user's code of ours makes is."""
    look = "from otel_flow.process.frames import is_interrupting\ndef look(*_):\n    return is_interrupting(('otel_flow.delivery',))\n"
    delivery = {"__name__": "otel_flow.delivery.engine"}
    users = {"__name__": "shop"}
    exec(look, delivery)
    exec("def call(function):\n    return function()\n", users)
    exec("def twice(call, function):\n    return call(function)\n", delivery)

    assert not is_interrupting(("otel_flow.delivery",))
    assert not users["call"](delivery["look"])
    assert delivery["twice"](users["call"], delivery["look"])
