"""The queue that applications append to: its bounds, and whom it wakes."""

import threading

import pytest

from opentelemetry.sdk.trace import TracerProvider

from otel_flow.delivery.backlog import Backlog
from otel_flow.delivery.chunk import CHUNK_BYTES, Chunk
from otel_flow.delivery.queue import ItemQueue
from otel_flow.otlp.records import LogEvent
from tests.delivery.backend import until
from tests.otlp.junk import LOG


@pytest.fixture
def woken():
    return []


@pytest.fixture
def queue(woken):
    """Build a queue that notes when it wakes the engine."""

    def queue(**keywords):
        usual = {"capacity": 1000, "urgent": 100, "drop": "oldest"}
        return ItemQueue(**usual | keywords, wake=lambda: woken.append(1))

    return queue


def record(size):
    """Return a log event with a body of *size* characters."""
    return LogEvent(**LOG, body="x" * size, attributes={})


def test_the_first_item_wakes_and_the_next_do_not(queue, woken):
    """However often the engine looks, an item that joins others wakes nobody before it is urgent."""
    items = queue()
    assert items.rest()
    for number in range(99):
        items.append(number)
        assert not items.rest()

    assert len(woken) == 1
    items.append(99)
    assert len(woken) == 2


def test_whoever_fills_a_crowded_queue_gives_way(queue):
    """Above a half a producer lets others run, so that what they take is not lost."""
    ways = []

    def give_way():
        ways.append(len(items))
        items.take(300)

    items = queue(give_way=give_way)
    for number in range(10_000):
        items.append(number)

    assert items.overflowed() == 0
    assert min(ways) >= 500


def test_a_crowded_queue_wakes_the_engine_again(queue, woken):
    """What is left in a crowded queue when the engine has taken some of it wakes it at once."""
    items = queue(give_way=lambda: None)
    for number in range(900):
        items.append(number)
    items.take(50)
    before = len(woken)
    items.append(900)

    assert len(woken) == before + 1


def test_an_item_that_comes_while_the_engine_turns_away_is_seen(queue, woken):
    """An item that is appended while the engine goes to rest is never left unseen."""
    items = queue(capacity=10**6, urgent=10**6)
    stop = threading.Event()

    def produce():
        while not stop.is_set():
            items.append(1)
            stop.wait(0.0001)

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        for _ in range(200):
            woken.clear()
            while not items.rest():
                items.take(10**6)
            until(lambda: woken)
    finally:
        stop.set()
        producer.join()


@pytest.mark.parametrize(("drop", "kept"), [("oldest", range(6, 10)), ("newest", range(4))])
def test_a_full_queue_drops_as_it_was_set(queue, drop, kept):
    """A full queue drops its oldest items or the newest one, and counts them."""
    items = queue(capacity=4, drop=drop)
    for number in range(10):
        items.append(number)

    assert items.take(10) == list(kept)
    assert items.overflowed() == 6


def test_large_items_are_bounded_by_bytes(queue, woken):
    """Of large items few may wait, whatever their number may be; the engine hears of it early."""
    items = queue(limit=4_000_000)
    for _ in range(500):
        items.append(record(100_000))

    assert len(items) <= 60
    assert len(items) + items.overflowed() == 500
    assert len(woken) == 2
    assert items.is_urgent()
    items.take(500)
    assert not items.is_urgent()


def test_large_attributes_of_spans_are_seen_too(queue):
    """The values of a span's attributes count, those in sequences included."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    items = queue(limit=1_000_000)
    for _ in range(100):
        span = tracer.start_span("s", attributes={"a": ["x" * 10_000] * 10})
        span.end()
        items.append(span)

    assert len(items) <= 25


def test_small_items_are_bounded_by_their_number(queue):
    """Where items are small, the byte bound drops none that the capacity has room for."""
    items = queue(limit=1000 * 4000)
    for _ in range(1000):
        items.append(record(100))

    assert len(items) == 1000


def test_steady_load_wakes_the_engine_seldom(base, build):
    """Spans that come one by one do not wake the engine for each of them."""
    flow = build(base, delay=60, metrics_exporters=())
    engine = flow.pipeline._engine
    turns, turn = [], engine._turn
    engine._turn = lambda now: turns.append(now) or turn(now)
    for _ in range(200):
        flow.span()
        until(engine._wakes._rings.empty)

    assert len(turns) <= 3


def chunk(size, items=1, **keywords):
    return Chunk("traces", b"x" * size, items, **keywords)


@pytest.mark.parametrize(("drop", "waiting"), [("oldest", "bcd"), ("newest", "abc")])
def test_a_full_backlog_drops_as_it_was_set(drop, waiting):
    """A backlog at its bound drops its oldest chunks or the newest one."""
    backlog = Backlog(limit=3 * CHUNK_BYTES, drop=drop)
    dropped = [backlog.put(Chunk("traces", c.encode() * CHUNK_BYTES, 5)) for c in "abcd"]

    assert sum(dropped) == 5
    assert backlog.size == 3 * CHUNK_BYTES
    assert [chr(c.body[0]) for c in iter(lambda: taken(backlog), None)] == list(waiting)


def taken(backlog):
    """Return the next chunk as if it was delivered, None at the end."""
    found = backlog.begin()
    if found is not None:
        backlog.finish()
    return found


def test_small_chunks_join_while_they_wait():
    """What piles up in small pieces waits in few, in order; one that is being sent stays as it is."""
    backlog = Backlog(limit=10**9, drop="oldest")
    backlog.put(chunk(10))
    backlog.begin()
    for _ in range(100):
        backlog.put(chunk(10_000, items=3))

    assert len(backlog) == 5
    assert (backlog.items, backlog.size) == (301, 1_000_010)
    assert max(c.size for c in iter(lambda: taken(backlog), None)) <= CHUNK_BYTES


def test_joined_chunks_keep_the_size_of_a_batch():
    """A size that was set for batches holds for joined ones, and births stay by themselves."""
    backlog = Backlog(limit=10**9, drop="oldest", max_items=4)
    for _ in range(4):
        backlog.put(chunk(10, items=2))
    backlog.put(chunk(10, items=1, lasting=True))

    assert [c.items for c in iter(lambda: taken(backlog), None)] == [4, 4, 1]
