"""How long a scrape of many series takes, and what a series costs in memory."""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otel_flow.delivery.scrape import Scrape
from otel_flow.prometheus.exposition import exposed
from otel_flow.prometheus.families import Memory, build_families


class Registry:
    def __init__(self, scrape):
        self.scrape = scrape
        self.memory = Memory()

    def collect(self):
        return build_families(self.scrape.read(), Resource({"service.name": "b"}), self.memory)


def main() -> None:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    counter = provider.get_meter("b").create_counter("work.done")
    tracemalloc.start()
    for number in range(series):
        counter.add(1, {"http.route": f"/items/{number}", "http.request.method": "GET"})
    held = tracemalloc.get_traced_memory()[0] / series
    tracemalloc.stop()
    registry = Registry(Scrape(reader))
    seconds = []
    for _ in range(7):
        started = time.process_time()
        size = len(exposed(registry.collect(), openmetrics=True))
        seconds.append(time.process_time() - started)
    median = statistics.median(seconds) * 1000
    print(f"{series} series: {median:.0f} ms of CPU a scrape (median of 7), {size} bytes,", end=" ")
    print(f"{held:.0f} bytes of memory a series")


if __name__ == "__main__":
    main()
