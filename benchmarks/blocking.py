"""
How long collecting metrics holds up an event loop: 2 000 series, upstream's reader and ours.

``python -m benchmarks.blocking``. Measured is the CPU time of the collecting thread from one pause
to the next, in which it has the interpreter to itself: the longest of a collection, and of those of
all collections the median and the most. Beside it stands what a loop that is always ready has seen:
the longest turn in wall time, which whatever else the machine does makes longer. Python's collector
of garbage is off while a collection is timed, since what it holds up is the whole process's objects.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from opentelemetry.sdk.metrics.export import MetricReader

from benchmarks.machine import machine
from benchmarks.sink import sink
from otel_flow.delivery import pace


ROUNDS = 3
SECONDS = 6.0
INTERVAL = 1.0
CONTENDERS = {
    "nothing collected": ("ours", 3600.0),
    "upstream": ("upstream", INTERVAL),
    "ours": ("ours", INTERVAL),
}


def record(meter, series, instruments):
    """Record *series* attribute sets in *instruments*, one half histograms, the other counters."""
    for name in range(instruments // 2):
        counter = meter.create_counter(f"orders.{name}")
        histogram = meter.create_histogram(f"seconds.{name}")
        for number in range(series // instruments):
            labels = {"http.route": f"/items/{number}", "http.response.status_code": 200}
            counter.add(1, labels)
            histogram.record(0.2, labels)


def start(side, interval, endpoint):
    """Return a meter, whose values are collected every *interval* seconds."""
    if side == "ours":
        import otel_flow

        telemetry = otel_flow.configure(
            service_name="bench", endpoint=endpoint, metric_interval=interval
        )
        return telemetry.meter_provider.get_meter("bench")
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=interval * 1e3)
    return MeterProvider([reader]).get_meter("bench")


class Pauses:
    """The longest pieces of work without a pause, of each collection, in seconds."""

    def __init__(self):
        self.longest = []
        self._since = threading.local()
        self._watch_collections(MetricReader.collect)
        self._watch_pauses(pace.sleep)

    def _watch_collections(self, collect):
        def watched(reader, *arguments, **keywords):
            gc.disable()
            self._since.start, self._since.most = time.thread_time(), 0.0
            try:
                collect(reader, *arguments, **keywords)
            finally:
                self._note()
                self.longest.append(self._since.most)
                gc.enable()

        MetricReader.collect = watched

    def _watch_pauses(self, sleep):
        def watched(seconds):
            self._note()
            sleep(seconds)
            self._since.start = time.thread_time()

        pace.sleep = watched

    def _note(self):
        # Threads that encode something else pause, too.
        if hasattr(self._since, "start"):
            taken = time.thread_time() - self._since.start
            self._since.most = max(self._since.most, taken)


async def longest_turn(seconds):
    """Turn for so long; return the seconds of the longest turn."""
    longest, last = 0.0, time.perf_counter()
    end = last + seconds
    while last < end:
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


def child(side, interval, endpoint, options):
    """Print what was found; to be called in a process of its own."""
    pauses = Pauses()
    record(start(side, interval, endpoint), options.series, options.instruments)
    turn = asyncio.run(longest_turn(SECONDS))
    held = [seconds * 1e3 for seconds in pauses.longest]
    print(json.dumps({"held": held, "turn": turn * 1e3}), flush=True)
    os._exit(0)


def in_a_process(side, interval, endpoint, options):
    """Return what the process of one contender has found."""
    arguments = ["--child", side, str(interval), endpoint, "--series", str(options.series)]
    arguments += ["--instruments", str(options.instruments)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.blocking", *arguments],
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--instruments", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="all figures instead of the table")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        side, interval, endpoint = options.child
        child(side, float(interval), endpoint, options)
    found = {name: [] for name in CONTENDERS}
    with sink() as port:
        for _ in range(ROUNDS):
            for name, (side, interval) in CONTENDERS.items():
                endpoint = f"http://127.0.0.1:{port}/{side}"
                found[name].append(in_a_process(side, interval, endpoint, options))
    if options.json:
        print(json.dumps({"machine": machine(), "options": vars(options), "rounds": found}))
        return
    print("| ms | held, median | held, most | longest turn |")
    print("|---|---:|---:|---:|")
    for name, rounds in found.items():
        held = [one for each in rounds for one in each["held"]] or [0.0]
        turn = max(each["turn"] for each in rounds)
        print(f"| {name} | {statistics.median(held):.2f} | {max(held):.2f} | {turn:.2f} |")


if __name__ == "__main__":
    main()
