"""Sixteen threads record while the process collects, forks and shuts down."""

import collections
import itertools
import os
import threading

import pytest

from opentelemetry.sdk.resources import Resource

from otel_flow.delivery import build_pipeline
from otel_flow.otlp.records import LogEvent
from otel_flow.providers import build_meter_provider, build_tracer_provider
from otel_flow.providers.bound import bind
from otel_flow.settings import BatchSettings, OtlpSettings, Settings


THREADS = 16
ROUNDS = 150
CHILDREN = 4
DEADLINE = 60
BOUNDS = [10.0, 100.0]


class Service:
    """The pipeline with our providers, and everything recorded in three ways at once."""

    def __init__(self, base):
        batch = BatchSettings(schedule_delay=0.01, max_queue_size=200_000)
        targets = {
            f"otlp_{signal}": OtlpSettings(endpoint=f"{base}/v1/{signal}", timeout=DEADLINE)
            for signal in ("traces", "metrics", "logs")
        }
        settings = Settings(
            service_name="test",
            span_batch=batch,
            log_batch=batch,
            metric_temporality="delta",
            metric_interval=0.1,
            **targets,
        )
        resource = Resource({"service.name": "test"})
        self.pipeline = build_pipeline(settings, resource=lambda: resource)
        self.meters = build_meter_provider(
            settings, resource, metric_readers=self.pipeline.metric_readers
        )
        self.tracers = build_tracer_provider(
            settings,
            resource,
            span_processors=self.pipeline.span_processors,
            meter_provider=self.meters,
        )
        self._tracer = self.tracers.get_tracer("test")
        meter = self.meters.get_meter("test")
        self._counter = meter.create_counter("count")
        self._histogram = meter.create_histogram("size", explicit_bucket_boundaries_advisory=BOUNDS)
        self._handles = {}
        self._emit = self.pipeline.log_record_processors[0].take

    def record(self, who, n):
        """Record the *n*th of everything that *who* does."""
        name = f"{who}.{n}"
        with self._tracer.start_as_current_span(name, attributes={"n": n}) as span:
            span.set_attribute("who", who)
            if who not in self._handles:
                attributes = {"who": who}
                self._handles[who] = (
                    bind(self._counter, attributes),
                    bind(self._histogram, attributes),
                )
            count, size = self._handles[who]
            count.add(1)
            self._counter.add(1, {"who": who})
            size.record(n)
            self._emit(
                LogEvent(
                    scope=self._tracer._instrumentation_scope,
                    timestamp=1,
                    observed_timestamp=1,
                    severity_number=9,
                    severity_text="INFO",
                    body=name,
                    attributes={},
                )
            )


def child_process(service, number):
    """Record a little in a forked child, deliver it, and return the child's pid."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for n in range(5):
            service.record(f"child {number}", n)
        status = 0 if service.pipeline.shutdown(DEADLINE).delivered else 2
    finally:
        os._exit(status)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nothing_is_lost_and_nothing_comes_twice(backend, base):
    """What threads record while others collect, fork and flush arrives once, in every signal."""
    service = Service(base)

    def work(thread):
        for n in range(ROUNDS):
            service.record(f"thread {thread}", n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(CHILDREN):
        children.append(child_process(service, number))
        assert service.pipeline.force_flush(DEADLINE)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    for thread in threads:
        thread.join()
    report = service.pipeline.shutdown(DEADLINE)

    assert (statuses, report.delivered, report.dropped) == ([0] * CHILDREN, True, {})
    rounds = {f"thread {n}": ROUNDS for n in range(THREADS)}
    rounds |= {f"child {n}": 5 for n in range(CHILDREN)}
    once = collections.Counter(f"{who}.{n}" for who in rounds for n in range(rounds[who]))
    assert collections.Counter(span.name for span in backend.spans()) == once
    assert collections.Counter(record.body.string_value for record in backend.logs()) == once
    counts, sizes, buckets = totals(backend)
    assert counts == {who: 2 * times for who, times in rounds.items()}
    assert sizes == {who: sum(range(times)) for who, times in rounds.items()}
    assert buckets == {who: expected(times) for who, times in rounds.items()}


def expected(times):
    """Return the buckets of the numbers from 0 to *times*."""
    values = range(times)
    edges = [float("-inf"), *BOUNDS, float("inf")]
    return [sum(low < value <= high for value in values) for low, high in itertools.pairwise(edges)]


def totals(backend):
    """Return the sums of all deltas, by who recorded them."""
    counts, sizes = collections.Counter(), collections.Counter()
    buckets = collections.defaultdict(lambda: [0] * (len(BOUNDS) + 1))
    for metric in backend.metrics():
        if metric.name == "count":
            for point in metric.sum.data_points:
                counts[_who(point)] += point.as_int
        elif metric.name == "size":
            for point in metric.histogram.data_points:
                sizes[_who(point)] += int(point.sum)
                pairs = zip(buckets[_who(point)], point.bucket_counts, strict=True)
                buckets[_who(point)] = [before + more for before, more in pairs]
    return dict(counts), dict(sizes), dict(buckets)


def _who(point):
    return point.attributes[0].value.string_value


def test_a_shutdown_takes_what_was_recorded_before_it(backend, base):
    """Threads that go on recording lose nothing from before the shutdown, and send nothing twice."""
    service = Service(base)
    done, stop = dict.fromkeys(range(THREADS), 0), threading.Event()
    running = threading.Barrier(THREADS + 1)

    def work(thread):
        service.record(f"thread {thread}", 0)
        running.wait()
        while not stop.wait(0.0001):
            service.record(f"thread {thread}", done[thread] + 1)
            done[thread] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    running.wait()
    before = dict(done)
    service.pipeline.shutdown(DEADLINE)
    stop.set()
    for thread in threads:
        thread.join()

    arrived = collections.Counter(span.name for span in backend.spans())
    sure = {f"thread {thread}.{n}" for thread in before for n in range(before[thread] + 1)}
    assert sure <= set(arrived)
    assert set(arrived.values()) == {1}
    numbers = service.pipeline.accounting()["traces"]
    assert numbers.produced == sum(done.values()) + THREADS
    known = numbers.delivered + sum(numbers.dropped.values()) + numbers.waiting
    assert numbers.produced == known
