"""When things leave: by number, by weight, by the delay, and how long a request may take."""

import threading

import pytest

from otel_flow.delivery.chunk import CHUNK_BYTES
from otel_flow.delivery.verdict import backoff
from otel_flow.settings import BatchSettings
from tests.delivery.backend import until


def test_a_batch_does_not_wait_for_the_delay(backend, base, build):
    """As many spans as a batch has leave at once, and no more than so many in a request."""
    flow = build(base, delay=600, batch=10)
    for _ in range(30):
        flow.span()

    until(lambda: len(backend.spans()) == 30, 30)
    requests = [r for _, r in backend.accepted]
    sizes = [sum(len(c.spans) for g in r.resource_spans for c in g.scope_spans) for r in requests]
    assert max(sizes) <= 10


def test_requests_are_small(backend, base, build):
    """Whatever waits leaves in requests of about 256 KiB, so that a refused one costs little."""
    flow = build(base, delay=600)
    for number in range(3000):
        flow.span(text=f"{number} {'x' * 300}")

    assert flow.pipeline.force_flush(60)
    sizes = [request.ByteSize() for _, request in backend.accepted]
    assert len(backend.spans()) == 3000
    assert len(sizes) > 3
    assert max(sizes) < CHUNK_BYTES + 4096


def test_one_thread_is_left(backend, base, build):
    """Threads that send and collect live while there is something to do; then it is one again."""
    flow = build(base, delay=600)
    flow.meter.create_counter("orders").add(1)
    flow.span()
    flow.log()
    assert flow.pipeline.force_flush(60)

    until(lambda: ours() == ["otel-flow"])
    assert len(backend.accepted) == 3


def ours():
    return [t.name for t in threading.enumerate() if t.name.startswith("otel-flow")]


def test_attempts_are_further_and_further_apart():
    """After each failure in a row the delay is twice as long, up to a bound, and never the same."""
    for failures, longest in ((1, 0.25), (2, 0.5), (3, 1.0), (6, 5.0), (10_000, 5.0)):
        delays = [backoff(failures) for _ in range(50)]

        assert longest / 2 <= min(delays) < max(delays) <= longest


def test_weight_does_not_wait_for_the_delay(backend, base, build):
    """A few large spans leave before their number or the delay would have them leave."""
    flow = build(base, delay=600, queue_bytes=9_000_000)
    for _ in range(8):
        flow.span(text="x" * 60_000)

    until(lambda: len(backend.spans()) == 8, 30)


def test_a_queue_of_the_size_that_was_set(build):
    """The size that was set for the queue is its capacity, whatever the byte bound allows."""
    flow = build("http://127.0.0.1:1", delay=600, queue=20, batch=15)
    lane = flow.pipeline._engine.lanes["traces"]

    assert (lane.queue.capacity, lane.queue._urgent) == (20, 10)


_SHORT = BatchSettings(schedule_delay=600, export_timeout=0.5)


@pytest.mark.parametrize(
    ("signal", "keywords"),
    [
        ("traces", {"span_batch": _SHORT}),
        ("logs", {"log_batch": _SHORT}),
        ("metrics", {"metric_timeout": 0.5}),
        ("traces", {"otlp": {"timeout": 0.5}}),
    ],
    ids=["OTEL_BSP", "OTEL_BLRP", "OTEL_METRIC", "OTEL_EXPORTER_OTLP"],
)
def test_export_timeouts_are_honoured(backend, base, build, signal, keywords):
    """A backend that is slower than the timeout of a signal is asked again, and that is counted."""
    others = {f"{s}_exporters": () for s in ("traces", "logs", "metrics") if s != signal}
    backend.script.append({"delay": 20})
    flow = build(base, delay=600, **others, **keywords)
    flow.span()
    flow.log()
    flow.meter.create_counter("orders").add(1)

    assert flow.pipeline.force_flush(15)
    assert len(backend.attempts) == 2
    assert flow.numbers(signal).duplicates == 1
