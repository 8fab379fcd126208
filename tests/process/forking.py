"""
A process that forks while its locks are held, and children that use telemetry as ever.

Run as ``python -m tests.process.forking WAY PARTS ROUNDS``: *WAY* is ``all`` (every lock held
at one fork), ``each`` (one after the other) or ``busy`` (threads record and deliver while the
process forks); *PARTS* is ``ours``, ``grpc`` for our pipeline over gRPC, or ``others`` for the
processors and readers of the SDK beside ours. Prints what it did, and ends with an exception where a child hung or lost something.
"""

from __future__ import annotations

import contextlib
import faulthandler
import itertools
import logging
import os
import signal
import sys
import threading
import time
import warnings

import structlog

from opentelemetry import metrics, trace
from opentelemetry.instrumentation import _semconv
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_flow

from otel_flow.measure.prediction import loaded_model
from tests.exporters import ListMetricExporter
from tests.process.live_locks import live_locks


PATIENCE = 240.0
"""Seconds after which a child hangs: the machine may be slow."""

memories = [InMemorySpanExporter(), InMemorySpanExporter(), InMemoryLogRecordExporter()]
early_meter = metrics.get_meter("early")
early_counter = early_meter.create_counter("early.count")
printed = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))


def configure(parts):
    others = {}
    if parts == "grpc":
        os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    if parts == "others":
        others = {
            "span_processors": [
                BatchSpanProcessor(memories[0]),
                SimpleSpanProcessor(memories[1]),
            ],
            "log_record_processors": [BatchLogRecordProcessor(memories[2])],
            "metric_readers": [
                PeriodicExportingMetricReader(ListMetricExporter(), export_interval_millis=3e6),
                InMemoryMetricReader(),
            ],
        }
    exponential = View(
        instrument_name="work.size", aggregation=ExponentialBucketHistogramAggregation()
    )
    return otel_flow.configure(
        service_name="forks", metric_interval=3600, views=[exponential], **others
    )


def work(number):
    """Use all of it: what is there already, and what is made anew."""
    tracer = trace.get_tracer("forks")
    with tracer.start_as_current_span("work", attributes={"number": number}) as span:
        span.set_attribute("later", 1)
        with trace.get_tracer(f"scope-{number}").start_as_current_span("inner"):
            structlog.get_logger("app").info("event", number=number)
            logging.getLogger("app").warning("record %d", number)
        meter = metrics.get_meter("forks")
        meter.create_counter("work.done").add(1)
        meter.create_histogram("work.time", unit="s").record(0.2)
        meter.create_histogram("work.size", unit="By").record(number + 1)
        metrics.get_meter(f"scope-{number}").create_counter("new").add(1)
        early_meter.create_counter("late.count").add(1)
        early_counter.add(1)
        printed.msg("line")
        # As each of contrib's instrumentations does that begins.
        _semconv._OpenTelemetrySemanticConventionStability._initialize()
    loaded_model("model")()


def work_and_deliver(telemetry):
    work(0)
    return telemetry.force_flush(PATIENCE)


def fork(function):
    """Start a child that ends with 0 where *function* returns something true."""
    with contextlib.suppress(ValueError):
        sys.stdout.flush()
    with warnings.catch_warnings():
        # From 3.12 on the parent is warned of its threads, in a log line: by the very locks
        # that are held here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = 0 if function() else 2
    finally:
        os._exit(status)


def wait(child, what):
    """Wait for *child*; fail, saying *what* it was about, when it hangs or fails."""
    end = time.monotonic() + PATIENCE
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            # Its stack tells where it hangs.
            os.kill(child, signal.SIGABRT)
            os.waitpid(child, 0)
            raise TimeoutError(f"a child hung: {what}")
        time.sleep(0.001)
    if status:
        raise RuntimeError(f"a child ended with {os.waitstatus_to_exitcode(status)}: {what}")


@contextlib.contextmanager
def held(locks):
    """Have another thread hold *locks*, those that nobody holds already."""
    ready, done = threading.Event(), threading.Event()

    def hold():
        taken = [lock for lock in locks if lock.acquire(blocking=False)]
        ready.set()
        done.wait()
        for lock in reversed(taken):
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def stuck():
    """Return the owners of live locks that nobody in this process will ever release."""
    return [
        label
        for label, locks in live_locks().items()
        if not all(lock.acquire(blocking=False) for lock in locks)
    ]


def child_of_all(telemetry):
    """Say what is stuck, then work all the same."""
    if found := stuck():
        os.write(1, f"stuck: {', '.join(found)}\n".encode())
        return False
    # The walk itself has taken them all.
    for locks in live_locks().values():
        for lock in locks:
            lock._at_fork_reinit()
    # Nobody answers on a channel of gRPC here: its locks are what counts.
    return telemetry.settings.otlp_traces.protocol == "grpc" or work_and_deliver(telemetry)


def run_all(telemetry, rounds):
    for _ in range(rounds):
        locks = [lock for found in live_locks().values() for lock in found]
        with held(locks):
            child = fork(lambda: child_of_all(telemetry))
            wait(child, "all locks were held")
    print("labels", *live_locks())


def run_each(telemetry, rounds):
    forks = 0
    while forks < rounds:
        for label, locks in live_locks().items():
            with held(locks):
                wait(fork(lambda: work_and_deliver(telemetry)), label)
            forks += 1
    print("forks", forks)


def run_busy(telemetry, rounds):
    ended = threading.Event()
    recorded = itertools.count()

    def record():
        while not ended.is_set():
            work(next(recorded) % 20)
            ended.wait(0.005)

    def deliver():
        while not ended.is_set():
            telemetry.force_flush(PATIENCE)
            for memory in memories:
                memory.clear()

    threads = [threading.Thread(target=record) for _ in range(2)]
    threads.append(threading.Thread(target=deliver))
    for thread in threads:
        thread.start()
    try:
        for first in range(0, rounds, 4):
            children = [
                fork(lambda: work_and_deliver(telemetry))
                for _ in range(first, min(first + 4, rounds))
            ]
            for child in children:
                wait(child, "threads were recording and delivering")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    print("forks", rounds, "recorded", next(recorded))


def main(way, parts, rounds):
    faulthandler.enable()
    telemetry = configure(parts)
    telemetry.instrument()
    with trace.get_tracer("forks").start_as_current_span("parent"):
        work(0)
        {"all": run_all, "each": run_each, "busy": run_busy}[way](telemetry, int(rounds))
    telemetry.shutdown(1 if parts == "grpc" else PATIENCE)


if __name__ == "__main__":
    main(*sys.argv[1:])
