import os
import signal
import ssl
import sys
import threading
import time
import traceback

import pytest

from tests.authority import Authority
from tests.delivery.backend import Backend, black_hole, until


def reads_the_rest(name):
    """Return whether the thread *name* waits for more of an answer, whose beginning it has."""
    (thread,) = [thread for thread in threading.enumerate() if thread.name == name]
    frames = list(traceback.walk_stack(sys._current_frames()[thread.ident]))
    called = [frame.f_code.co_name for frame, _ in frames]
    return "readinto" in called and "read" in called[called.index("readinto") :]


PATIENCE = 90
"""Seconds after which a child hangs."""


def in_child(function):
    """Run *function* in a forked child and return its exit status, -9 where it hangs."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if function() else 2
        finally:
            os._exit(status)
    end = time.monotonic() + PATIENCE
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(ended[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_process_delivers_its_own(backend, base, build):
    """What waits at a fork is delivered by the parent alone, and the child delivers its own."""
    flow = build(base, delay=60)
    flow.span("parent")

    def child():
        flow.span("child")
        return flow.pipeline.force_flush(5) and flow.numbers("traces").produced == 1

    assert in_child(child) == 0
    assert [s.name for s in backend.spans()] == ["child"]
    assert flow.pipeline.force_flush(5)
    assert sorted(s.name for s in backend.spans()) == ["child", "parent"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_in_the_middle_of_an_export(backend, base, build):
    """A child forked while a request is under way neither hangs nor disturbs it."""
    flow = build(base, delay=60)
    flow.span("warm")
    flow.pipeline.force_flush(5)
    backend.script.append({"delay": 0.5})
    flow.span("parent")
    flush = threading.Thread(target=flow.pipeline.force_flush, args=(5,))
    flush.start()
    until(lambda: not backend.script)

    def child():
        flow.span("child")
        return flow.pipeline.shutdown(5).delivered

    assert in_child(child) == 0
    flush.join()
    assert sorted(s.name for s in backend.spans()) == ["child", "parent", "warm"]


@pytest.fixture(params=["http", "https"])
def either(request, tmp_path):
    """A backend, with TLS and without, and what a pipeline needs to reach it."""
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    backend = Backend(tls=context if request.param == "https" else None)
    base = f"{request.param}://127.0.0.1:{backend.port}"
    yield backend, {"base": base, "otlp": {"certificate": authority.file}}
    backend.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_in_the_middle_of_an_answer(either, build):
    """A child forked while half of an answer is there, in a buffer that is locked, does not hang."""
    backend, reached = either
    flow = build(**reached, delay=60)
    half, rest = threading.Event(), threading.Event()
    backend.script.append({"body": b"\n\x00", "halfway": lambda: half.set() or rest.wait()})
    flow.span("parent")
    flush = threading.Thread(target=flow.pipeline.force_flush, args=(60,))
    flush.start()
    assert half.wait(60)

    def child():
        flow.span("child")
        return flow.pipeline.shutdown(60).delivered

    until(lambda: reads_the_rest("otel-flow-traces"), 60)
    status = in_child(child)
    rest.set()
    flush.join()
    # The parent's connection is as it was.
    flow.span("again")
    assert flow.pipeline.force_flush(60)

    assert status == 0
    assert sorted(s.name for s in backend.spans()) == ["again", "child", "parent"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_with_every_lock_held(base, build):
    """A child forked while the engine's locks are held elsewhere does not hang."""
    flow = build(base, delay=60)
    lane = flow.pipeline._engine.lanes["traces"]
    with lane.ledger.changed, lane._pumping, lane._report._lock:

        def child():
            flow.span("child")
            return flow.pipeline.force_flush(5)

        assert in_child(child) == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_child_with_a_dead_backend_ends_soon(build):
    """A forked child whose backend refuses ends after half a second, whatever its deadline."""
    flow = build("http://127.0.0.1:1", delay=60)

    def child():
        flow.span("child")
        started = time.monotonic()
        delivered = flow.pipeline.shutdown(5).delivered
        return not delivered and time.monotonic() - started < 1

    assert in_child(child) == 0


def ended(flow, *, after=0.0, deadline=30):
    """Whether all arrived of what a forked child recorded, and the seconds that its end took."""
    reading, writing = os.pipe()

    def child():
        time.sleep(after)
        flow.span("child")
        started = time.monotonic()
        delivered = flow.pipeline.shutdown(deadline).delivered
        os.write(writing, f"{delivered} {time.monotonic() - started}".encode())
        return True

    assert in_child(child) == 0
    delivered, seconds = os.read(reading, 100).decode().split()
    os.close(reading)
    os.close(writing)
    return delivered == "True", float(seconds)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_first_child_with_a_silent_backend_ends_soon(build):
    """Even the first child of a family ends soon whose backend takes connections and never answers."""
    with black_hole() as port:
        flow = build(f"http://127.0.0.1:{port}", delay=60, otlp={"timeout": 60})
        first = ended(flow, after=1.0)
        second = ended(flow)

    for delivered, seconds in (first, second):
        assert not delivered
        # Far from the deadline, on a machine however busy.
        assert seconds < 10


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_children_wait_for_a_backend_that_is_slow(backend, base, build):
    """Once a backend has answered, children wait as long as it needs, and lose nothing."""
    backend.script = [{"delay": 1.5}] * 100
    flow = build(base, delay=60)
    flow.span("parent")
    assert flow.pipeline.force_flush(30)

    assert [ended(flow)[0] for _ in range(3)] == [True] * 3
    assert sorted(s.name for s in backend.spans()) == ["child"] * 3 + ["parent"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_parent_asks_before_its_children_must(backend, base, build):
    """Where nobody has sent anything, the parent asks each backend at the first fork, once."""
    flow = build(base, delay=60)
    assert in_child(lambda: True) == 0
    until(lambda: len(backend.accepted) == 3)
    assert in_child(lambda: True) == 0
    flow.span("parent")

    assert flow.pipeline.force_flush(30)
    assert [s.name for s in backend.spans()] == ["parent"]
    assert len(backend.accepted) <= 5
