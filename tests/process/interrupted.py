"""
A process whose main thread is interrupted by a signal in telemetry itself, and flushes.

Run as ``python -m tests.process.interrupted WAY``: with *WAY* ``locks`` it has each lock that
telemetry's live objects hold in its hands in turn; with ``callback`` no thread can be started,
so that it collects itself, and is in a callback. Prints what the flushes of the handler
returned. One that waits for its own thread would wait for ever: the stacks are shown, and the
process ends.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading

from opentelemetry import metrics, trace

import otel_flow

from tests.process.live_locks import live_locks


DEADLINE = 0.2
HANGS = 120.0


def record(telemetry, number):
    trace.get_tracer("t").start_span("work", attributes={"number": number}).end()
    telemetry.log({"event": "event", "level": "info", "logger": "t"})
    metrics.get_meter("t").create_counter("count").add(1)


def with_locks(telemetry):
    for number, locks in enumerate(live_locks().values()):
        record(telemetry, number)
        taken = [lock for lock in locks if lock.acquire(timeout=HANGS)]
        signal.raise_signal(signal.SIGUSR1)
        for lock in taken:
            lock.release()


def in_callback(telemetry):
    def observe(_options):
        signal.raise_signal(signal.SIGUSR1)
        return []

    metrics.get_meter("t").create_observable_gauge("interrupted", [observe])
    threading.stack_size(2**46)
    telemetry.force_flush(HANGS)


def main(way):
    faulthandler.dump_traceback_later(HANGS, exit=True)
    telemetry = otel_flow.configure(service_name="interrupted", metric_interval=3600)
    flushed = []
    signal.signal(
        signal.SIGUSR1, lambda _number, _frame: flushed.append(telemetry.force_flush(DEADLINE))
    )
    record(telemetry, 0)
    telemetry.force_flush(HANGS)
    {"locks": with_locks, "callback": in_callback}[way](telemetry)
    print(*flushed)
    telemetry.shutdown(HANGS)


if __name__ == "__main__":
    main(*sys.argv[1:])
