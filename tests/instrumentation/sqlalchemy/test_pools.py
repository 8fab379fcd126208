"""Numbers of connection pools, of every kind and through everything that can happen to a connection."""

import os
import threading
import warnings

import pytest
import sqlalchemy as sa

from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from sqlalchemy import pool as pools

from otel_flow.instrumentation import sqlalchemy as ours


POOL = "db.client.connection"


@pytest.fixture
def make_engine(recording, tmp_path):
    made = []

    def make(**options):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", future=True, **options)
        recording.telemetry.instrument(engine)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        ours.uninstrument(engine)
        engine.dispose()


def numbers(recording, metric):
    """The values of *metric* by state, or the only one; None where there is none."""
    points = recording.points(f"{POOL}.{metric}")
    found = {point.attributes.get(f"{POOL}.state"): point.value for point in points}
    return found.get(None, found) or (0 if None in found else found or None)


def count(recording):
    found = numbers(recording, "count")
    return found["idle"], found["used"]


def times(recording, metric):
    return sum(point.count for point in recording.points(f"{POOL}.{metric}_time"))


def test_a_queue(recording, make_engine):
    """Connections are idle or used, borrowed and returned ones are timed, the bound is both sizes."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=2, max_overflow=1)
    held = [engine.connect() for _ in range(3)]
    assert count(recording) == (0, 3)
    held.pop().close()
    held.pop().close()
    assert count(recording) == (2, 1)
    assert numbers(recording, "max") == 3
    assert [times(recording, each) for each in ("create", "wait", "use")] == [3, 3, 2]
    held.pop().close()
    # The third one was an overflow, which is closed.
    assert count(recording) == (2, 0)
    with engine.connect():
        assert count(recording) == (1, 1)
    assert times(recording, "create") == 3


def test_no_pool(recording, make_engine):
    """Without a pool connections are used, never idle, and have no bound."""
    engine = make_engine(poolclass=pools.NullPool)
    with engine.connect(), engine.connect():
        assert count(recording) == (0, 2)
    assert count(recording) == (0, 0)
    assert recording.points(f"{POOL}.max") == []
    assert times(recording, "create") == 2


def test_one_connection_for_all(recording, make_engine):
    """A static pool has one connection, used by however many."""
    engine = make_engine(poolclass=pools.StaticPool)
    with engine.connect():
        assert count(recording) == (0, 1)
    assert count(recording) == (1, 0)
    assert numbers(recording, "max") == 1


def test_a_connection_for_each_thread(recording, make_engine):
    """A pool of threads has one for each thread."""
    engine = make_engine(poolclass=pools.SingletonThreadPool, pool_size=4)
    with engine.connect():
        thread = threading.Thread(target=lambda: engine.connect().close())
        thread.start()
        thread.join()
        assert count(recording)[1] == 1
    assert numbers(recording, "max") == 4


def test_detached_connections(recording, make_engine):
    """A connection that was taken out of its pool is no connection of it, open or closed."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=2, max_overflow=0)
    connection = engine.connect()
    connection.detach()
    assert count(recording) == (0, 0)
    connection.close()
    assert count(recording) == (0, 0)
    with engine.connect():
        assert count(recording) == (0, 1)


def test_invalidated_connections(recording, make_engine):
    """A connection that was given up is not open; the one in its place is."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=2)
    with engine.connect() as connection:
        connection.invalidate()
        assert count(recording) == (0, 0)
        connection.execute(sa.text("SELECT 1"))
        assert count(recording) == (0, 1)
    assert count(recording) == (1, 0)
    assert times(recording, "create") == 2


def test_a_disposed_pool(recording, make_engine):
    """What is borrowed from a disposed pool counts until it is returned, and goes nowhere then."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=2)
    held = engine.connect()
    with engine.connect():
        pass
    assert count(recording) == (1, 1)
    disposed = engine.pool
    engine.dispose()
    assert count(recording) == (0, 1)
    with engine.connect():
        assert count(recording) == (0, 2)
    held.close()
    assert sum(count(recording)) <= 2
    assert count(recording)[1] == 0
    assert numbers(recording, "max") == 12
    # The pool that nobody asks any more took the connection back, and closes nothing itself.
    disposed.dispose()


def test_callers_that_wait_and_give_up(recording, make_engine):
    """Who waits for a connection is pending; who waited in vain is a timeout."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=1, max_overflow=0, pool_timeout=60)
    held = engine.connect()
    waiting = threading.Thread(target=lambda: engine.connect().close())
    waiting.start()
    while numbers(recording, "pending_requests") == 0:
        pass
    held.close()
    waiting.join()
    assert numbers(recording, "pending_requests") == 0
    assert times(recording, "wait") == 2

    engine.pool._timeout = 0.01
    with engine.connect(), pytest.raises(sa.exc.TimeoutError):
        engine.connect()
    (point,) = recording.points(f"{POOL}.timeouts")
    assert point.value == 1


def test_connections_borrowed_before(recording, tmp_path):
    """Connections that were borrowed before we were there are counted by what the pool knows."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", poolclass=pools.QueuePool)
    held = engine.connect()
    undo = recording.telemetry.instrument(engine)
    with engine.connect():
        assert count(recording) == (0, 2)
    held.close()
    assert count(recording) == (2, 0)
    undo()
    engine.dispose()


def test_two_engines_of_one_database(recording, make_engine):
    """Pools of one name are one series, with the sum of both; a pool's own name wins."""
    with (
        make_engine(poolclass=pools.QueuePool).connect(),
        make_engine(poolclass=pools.QueuePool).connect(),
        make_engine(poolclass=pools.QueuePool, pool_logging_name="reports").connect(),
    ):
        points = {
            point.attributes[f"{POOL}.pool.name"].rpartition("/")[2]: point.value
            for point in recording.points(f"{POOL}.count")
            if point.attributes[f"{POOL}.state"] == "used"
        }
    assert points == {"shop.db": 2, "reports": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_waits_for_nothing(recording, make_engine):
    """Callers that wait at a fork wait in the parent, and are not counted by the child."""
    engine = make_engine(poolclass=pools.QueuePool, pool_size=1, max_overflow=0, pool_timeout=60)
    held = engine.connect()
    waiting = threading.Thread(target=lambda: engine.connect().close())
    waiting.start()
    while numbers(recording, "pending_requests") == 0:
        pass
    database = next(
        iter(vars(engine.dialect)[name] for name in vars(engine.dialect) if "otel" in name)
    )
    with warnings.catch_warnings():
        # From Python 3.12 on that warns of threads, which are what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(len(database.pools.waiting))
    _, status = os.waitpid(child, 0)
    held.close()
    waiting.join()

    assert os.waitstatus_to_exitcode(status) == 0


def test_only_what_sqlalchemy_asks_for_itself_is_quiet(make_engine):
    """A listener that helps to connect is heard; one that sets a connection up, and a ping, are not."""
    heard = {}
    engine = make_engine(poolclass=pools.QueuePool, pool_pre_ping=True)

    def note(name):
        heard.setdefault(name, is_instrumentation_enabled())

    sa.event.listen(engine, "do_connect", lambda *_: note("help to connect"))

    @sa.event.listens_for(engine, "connect")
    def set_up(connection, _record):
        note("set up")
        connection.set_trace_callback(lambda text: note("ping") if text == "SELECT 1" else None)

    for _ in range(2):
        with engine.connect():
            note("use")

    assert heard == {"help to connect": True, "set up": False, "ping": False, "use": True}
    ours.uninstrument(engine)
    heard.clear()
    engine.dispose()
    with engine.connect():
        pass
    assert heard == {"help to connect": True, "set up": True}
