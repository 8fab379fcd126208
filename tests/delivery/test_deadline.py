"""Whatever a backend does not do, callers return by their deadline and learn what was left."""

import contextlib
import socket
import threading
import time
import types

import pytest

from otel_flow.delivery.reach import Reach
from tests.delivery.backend import Backend, black_hole, until


DEADLINE = 0.5
BOUND = DEADLINE + 0.25
SLACK = 1.0
"""What a machine that does much else may take to wake a thread that is due."""


@contextlib.contextmanager
def refusing():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


@contextlib.contextmanager
def silent():
    """Takes connections and never answers."""
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def deaf():
    """Does not even take connections: its queue of them is full, further SYNs are dropped."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextlib.contextmanager
def slow():
    """Answers, but later than anyone waits."""
    backend = Backend()
    backend.script = [{"delay": 3}] * 100
    yield f"http://127.0.0.1:{backend.port}"
    backend.close()


@contextlib.contextmanager
def nameless(monkeypatch):
    """A name server that is gone: looking a name up blocks in C and cannot be interrupted."""
    gone = threading.Event()
    real = socket.getaddrinfo

    def hang(host, *arguments, **keywords):
        if host == "collector.invalid":
            gone.wait(30)
            raise socket.gaierror("no answer")
        return real(host, *arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield "http://collector.invalid:4318"
    gone.set()


@pytest.fixture(params=["refusing", "silent", "deaf", "slow", "nameless"])
def unreachable(request, monkeypatch):
    """The URL of a backend that takes nothing in time."""
    make = globals()[request.param]
    with make(monkeypatch) if make is nameless else make() as base:
        yield base


def record(flow):
    flow.span()
    flow.log()
    flow.meter.create_counter("orders").add(1)


def test_shutdown_returns_by_the_deadline(unreachable, build, capsys):
    """A shutdown returns by its deadline, all signals together, and says what it left behind."""
    flow = build(unreachable, delay=60)
    record(flow)
    started = time.monotonic()
    report = flow.pipeline.shutdown(DEADLINE)

    assert time.monotonic() - started < BOUND + SLACK
    assert not report
    assert report.left_behind == {"traces": 1, "logs": 1, "metrics": 1}
    assert "left behind at shutdown: 1 span, 1 log record, 1 data point" in capsys.readouterr().err


def test_flush_returns_by_the_deadline(unreachable, build):
    """A flush that did not deliver everything returns by its deadline, and returns False."""
    flow = build(unreachable, delay=60)
    record(flow)
    started = time.monotonic()
    delivered = flow.pipeline.force_flush(DEADLINE)

    assert time.monotonic() - started < BOUND + SLACK
    assert delivered is False


def test_where_nobody_ever_was_the_end_does_not_wait_again(build, capsys, monkeypatch):
    """What was tried in vain for a deadline before the end, by any signal, shortens the end."""
    past = types.SimpleNamespace(monotonic=lambda: time.monotonic() - 60)
    monkeypatch.setattr("otel_flow.delivery.reach.time", past)
    with refusing() as base:
        flow = build(base, delay=60)
        flow.span()
        assert flow.pipeline.force_flush(DEADLINE) is False
        record(flow)
        started = time.monotonic()
        report = flow.pipeline.shutdown(60)

    assert time.monotonic() - started < 30
    assert report.left_behind == {"traces": 2, "logs": 1, "metrics": 1}
    assert "left behind at shutdown: 2 spans, 1 log record, 1 data point" in capsys.readouterr().err


def test_a_flush_waits_for_a_server_that_never_was(build, monkeypatch):
    """A flush is no end: it waits as long as it was told to, for one that starts meanwhile."""
    past = types.SimpleNamespace(monotonic=lambda: time.monotonic() - 60)
    monkeypatch.setattr("otel_flow.delivery.reach.time", past)
    with refusing() as base:
        flow = build(base, delay=60)
        flow.span()
        assert flow.pipeline.force_flush(0.1) is False
        started = time.monotonic()
        assert flow.pipeline.force_flush(1.5) is False

    assert time.monotonic() - started >= 1.5


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], 105.0),
        (["miss"], 102.0),
        (["miss", "miss"], 102.0),
        (["meet", "miss"], 105.0),
        (["miss", "meet"], 105.0),
    ],
)
def test_the_patience_of_an_end(told, expected, monkeypatch):
    """The deadline is counted from the first try in vain, where there never was anybody."""
    reach = Reach()
    monkeypatch.setattr(
        "otel_flow.delivery.reach.time", types.SimpleNamespace(monotonic=lambda: 97.0)
    )
    for name in told:
        getattr(reach, name)()

    assert reach.patience(100.0, 105.0) == expected
    assert reach.patience(100.0, 100.2) == 100.2
    assert reach.patience(500.0, 505.0) == (505.0 if expected == 105.0 else 500.5)


def test_a_second_end_has_what_the_first_has_left(build, capsys):
    """What was left behind is said once, however many ends a process passes."""
    with refusing() as base:
        flow = build(base, delay=60)
        record(flow)
        finished = flow.pipeline.finish(DEADLINE)
        flow.pipeline.shutdown(0)

    assert not finished
    assert capsys.readouterr().err.count("left behind at shutdown") == 1


def test_values_that_replace_others_are_awaited(backend, base, build):
    """A flush whose values another flush has replaced returns when the later ones have arrived."""
    flow = build(base, delay=60)
    counter = flow.meter.create_counter("orders")
    lane = flow.pipeline._engine.lanes["metrics"]
    arrived = []

    def flush():
        flow.pipeline.force_flush(30)
        arrived.append(max(m.sum.data_points[0].as_int for m in backend.metrics()))

    answer = threading.Event()
    backend.refuse = lambda _: answer.wait(30) and None
    flushes = [threading.Thread(target=flush) for _ in range(3)]
    for number, thread in enumerate(flushes):
        counter.add(1)
        produced = lane.ledger.produced()
        thread.start()
        until(lambda produced=produced: lane.ledger.produced() > produced)
        until(lambda number=number: number or lane.sender.in_flight())
    answer.set()
    for thread in flushes:
        thread.join()

    # The first one's request was under way; the second one's values gave way to the third's.
    assert sorted(arrived)[1:] == [3, 3]


def test_a_collection_that_is_being_started_is_not_the_next_ones(backend, base, build):
    """A flush delivers what came before it, also where another is just about to know its thread."""
    flow = build(base, delay=60)
    counter = flow.meter.create_counter("orders")
    collection = flow.pipeline._engine.collection
    started = threading.Event()

    def collect():
        with collection._starting:
            earlier = threading.Thread(target=lambda: time.sleep(1), daemon=True)
            earlier.start()
            started.set()
            # Long enough for a flush to look before the thread is known.
            time.sleep(0.3)
            collection._thread = earlier

    starter = threading.Thread(target=collect)
    starter.start()
    started.wait()
    counter.add(1)

    assert flow.pipeline.force_flush(20)
    starter.join()
    assert backend.metrics()[-1].sum.data_points[0].as_int == 1


def test_a_flush_ends_although_collections_are_due(backend, base, build):
    """Values that are collected meanwhile do not keep a flush from its end."""
    backend.script = [{"delay": 0.2}] * 1000
    flow = build(base, delay=60, metric_interval=0.05)
    flow.meter.create_counter("orders").add(1)

    assert flow.pipeline.force_flush(20)
