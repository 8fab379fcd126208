"""
What is delivered where no thread can be started.

A container at its limit of processes refuses them, and in Python 3.12.0 to 3.12.2 so does
the interpreter at its exit. Here it is a stack that no address space holds.
"""

import contextlib
import json
import os
import subprocess
import sys

import pytest

from tests.delivery.backend import black_hole
from tests.delivery.test_deadline import refusing


SOURCE = """
import json, sys, threading, time
import otel_flow
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

moment, seconds = sys.argv[1], float(sys.argv[2])

def refuse_threads():
    threading.stack_size(2**46)
    try:
        threading.Thread(target=print).start()
    except RuntimeError:
        return
    raise AssertionError("a thread was started")

# Takes for its own flush all the time that it is given, or more.
class Slow(MetricExporter):
    def export(self, data, timeout_millis=30_000, **_):
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=30_000):
        time.sleep(timeout_millis / 1000 * factor)
        return False

    def shutdown(self, timeout_millis=30_000, **_):
        pass

factor = float(sys.argv[3])
flow = otel_flow.configure(service_name="crowded", exporters=[Slow()] if factor else [])
if moment == "before the first span":
    refuse_threads()
trace.get_tracer("t").start_span("work").end()
if moment == "after it":
    while "otel-flow" not in {thread.name for thread in threading.enumerate()}:
        pass
    refuse_threads()
metrics.get_meter("t").create_counter("orders").add(1)
flow.log({"event": "line", "level": "info", "logger": "t"})
started = time.monotonic()
delivered = flow.force_flush(seconds)
print(json.dumps([delivered, time.monotonic() - started]), flush=True)
flow.shutdown(0)
"""
DEADLINE = 1.0
SLACK = 10.0
"""What a machine that does much else may take to wake a thread that is due."""


@pytest.fixture(params=["before the first span", "after it"])
def moment(request):
    """When threads begin to be refused: after the first span the engine has one of its own."""
    return request.param


def flush(moment, seconds, base, *, others=0.0, **endpoints):
    """
    Whether all arrived, and in how many seconds that was known.

    An exporter of *others* takes so many times the time that it is given for its flush.
    """
    environment = {
        **os.environ,
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_BLRP_SCHEDULE_DELAY": "600000",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
        "OTEL_EXPORTER_OTLP_ENDPOINT": base,
        **{
            f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT": url
            for signal, url in endpoints.items()
        },
    }
    done = subprocess.run(
        [sys.executable, "-c", SOURCE, moment, str(seconds), str(others)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def arrived(backend):
    return (
        [span.name for span in backend.spans()],
        {"orders"} & {metric.name for metric in backend.metrics()},
        [record.body.string_value for record in backend.logs()],
    )


def test_everything_arrives(moment, backend, base):
    """Whoever flushes sends what waits, again where it was not taken at once."""
    backend.script = [{"status": 503}] * 4
    delivered, _ = flush(moment, 60, base)

    assert delivered
    assert arrived(backend) == (["work"], {"orders"}, ["line"])


@contextlib.contextmanager
def silent():
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("unreachable", [refusing, silent])
def test_a_flush_returns_by_the_deadline(moment, unreachable):
    """A backend that takes nothing costs the deadline at most."""
    with unreachable() as base:
        delivered, seconds = flush(moment, DEADLINE, base)

    assert not delivered
    assert seconds < DEADLINE + 0.25 + SLACK


def test_one_backend_does_not_keep_the_others_waiting(moment, backend, base):
    """A signal whose backend refuses connections leaves the others their time."""
    with refusing() as gone:
        delivered, _ = flush(moment, 5, base, traces=gone, metrics=gone)

    assert not delivered
    assert arrived(backend) == ([], set(), ["line"])


def test_exporters_of_others_share_the_deadline(moment):
    """An exporter of others is given what ours has left of the time, so that both keep the deadline."""
    with silent() as base:
        delivered, seconds = flush(moment, 3, base, others=1.0)

    assert not delivered
    assert seconds < 3 + 0.25 + 2
