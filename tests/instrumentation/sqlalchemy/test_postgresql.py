"""Statements on a real PostgreSQL, with psycopg and with asyncpg."""

import asyncio
import contextlib

import pytest
import sqlalchemy as sa

from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.trace import StatusCode
from sqlalchemy.ext.asyncio import create_async_engine

from otel_flow.instrumentation import sqlalchemy as ours


DURATION = "db.client.operation.duration"
NEW = sa.__version__.startswith("2.")
SYNC = "psycopg" if NEW else "psycopg2"
ASYNC = ["asyncpg", "psycopg"] if NEW else ["asyncpg"]

metadata = sa.MetaData()
book = sa.Table(
    "book",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(40), unique=True),
)


def url_of(postgres_url, driver):
    return sa.engine.make_url(postgres_url).set(drivername=f"postgresql+{driver}")


@pytest.fixture
def engine(postgres_url):
    made = sa.create_engine(url_of(postgres_url, SYNC), future=True)
    metadata.drop_all(made)
    metadata.create_all(made)
    yield made
    ours.uninstrument(made)
    made.dispose()


@pytest.fixture
def on_asyncio(engine, postgres_url):
    """Run a coroutine function with an engine of asyncpg, or of psycopg on asyncio."""

    def run(use, driver="asyncpg", **options):
        async def main():
            made = create_async_engine(url_of(postgres_url, driver), **options)
            try:
                await use(made)
            finally:
                ours.uninstrument(made)
                await made.dispose()

        asyncio.run(main())

    return run


def names(recording):
    return [span.name for span in recording.spans()]


def test_a_statement(recording, engine):
    """A statement carries the database's name and address, and no value."""
    recording.telemetry.instrument(engine)
    with engine.begin() as connection:
        connection.execute(book.insert(), {"title": "secret"})
        connection.execute(sa.text("SELECT title FROM book WHERE title = 'secret'"))

    insert, select = recording.spans()
    assert (insert.name, select.name) == ("INSERT book", "SELECT book")
    assert dict(select.attributes) == {
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "server.address": "127.0.0.1",
        "server.port": engine.url.port,
        "db.operation.name": "SELECT",
        "db.collection.name": "book",
        "db.query.summary": "SELECT book",
        "db.query.text": "SELECT title FROM book WHERE title = ?",
    }
    assert "secret" not in insert.to_json() + select.to_json()


def test_many_rows(recording, engine):
    """Many rows are one batch, however many statements the driver is sent for them."""
    recording.telemetry.instrument(engine)
    rows = [{"title": f"title {number}"} for number in range(2500)]
    with engine.begin() as connection:
        connection.execute(book.insert(), rows)
        if NEW:
            returning = book.insert().returning(book.c.id)
            connection.execute(returning, [{"title": "a"}, {"title": "b"}])

    spans = recording.spans()
    assert {span.name for span in spans} == {"BATCH INSERT book"}
    sizes = [span.attributes["db.operation.batch.size"] for span in spans]
    assert sizes == ([2500, 2] if NEW else [2500])


def test_streaming_and_savepoints(recording, engine):
    """Rows fetched from a server-side cursor add nothing; savepoints are statements."""
    recording.telemetry.instrument(engine)
    with engine.begin() as connection:
        connection.execute(book.insert(), [{"title": f"{number}"} for number in range(100)])
        with connection.begin_nested():
            statement = sa.select(book.c.id).execution_options(stream_results=True)
            rows = connection.execute(statement)
            assert len(rows.all()) == 100

    assert [name.split(" sa_")[0] for name in names(recording)] == [
        "BATCH INSERT book",
        "SAVEPOINT",
        "SELECT book",
        "RELEASE",
    ]


def test_failures(recording, engine):
    """A failure is the driver's class with its SQLSTATE; its text, which has the values, is nowhere."""
    recording.telemetry.instrument(engine)
    with engine.begin() as connection:
        connection.execute(book.insert(), {"title": "secret"})
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(book.insert(), {"title": "secret"})

    span = recording.spans()[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == f"{SYNC}.errors.UniqueViolation"
    assert span.attributes["db.response.status_code"] == "23505"
    assert "secret" not in span.to_json()
    codes = {
        point.attributes.get("db.response.status_code"): point.count
        for point in recording.points(DURATION)
    }
    assert codes == {None: 1, "23505": 1}


@pytest.mark.parametrize("driver", ASYNC)
def test_asyncio(recording, on_asyncio, driver):
    """On asyncio statements are the same, also the failed ones and those whose rows are streamed."""

    async def use(engine):
        recording.telemetry.instrument(engine)
        async with engine.begin() as connection:
            await connection.execute(book.insert(), [{"title": "a"}, {"title": "b"}])
            rows = await connection.stream(sa.select(book))
            assert len([row async for row in rows]) == 2
        with pytest.raises(sa.exc.IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(book.insert(), {"title": "a"})

    on_asyncio(use, driver)

    assert names(recording) == ["BATCH INSERT book", "SELECT book", "INSERT book"]
    failed = recording.spans()[-1]
    assert failed.attributes["error.type"].endswith(("UniqueViolationError", "UniqueViolation"))
    assert failed.attributes["db.response.status_code"] == "23505"


@pytest.mark.parametrize("driver", ASYNC)
def test_cancelled_statements(recording, engine, on_asyncio, driver):
    """A statement that is cancelled ends its span with that, and its connection is counted no more."""

    async def use(engine_of_asyncio):
        recording.telemetry.instrument(engine_of_asyncio)

        async def sleep():
            async with engine_of_asyncio.connect() as connection:
                await connection.execute(sa.text("SELECT pg_sleep(60)"))

        task = asyncio.create_task(sleep())
        running = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
        )
        while not await asyncio.to_thread(scalar, engine, running):
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert used(recording) == 0

    on_asyncio(use, driver)

    (span,) = recording.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "CancelledError" in span.attributes["error.type"]
    (point,) = recording.points(DURATION)
    assert point.attributes["error.type"] == span.attributes["error.type"]


def scalar(engine, statement):
    with engine.connect() as connection:
        return connection.execute(statement).scalar()


def used(recording):
    return sum(
        point.value
        for point in recording.points("db.client.connection.count")
        if point.attributes["db.client.connection.state"] == "used"
    )


@contextlib.contextmanager
def driver_instrumented(recording, driver):
    instrumentor = {"asyncpg": AsyncPGInstrumentor, "psycopg": PsycopgInstrumentor}[driver]()
    instrumentor.instrument(
        tracer_provider=recording.telemetry.tracer_provider, skip_dep_check=True
    )
    try:
        yield
    finally:
        instrumentor.uninstrument()


@pytest.mark.skipif(not NEW, reason="psycopg 3 came with SQLAlchemy 2.0")
def test_beside_the_instrumentation_of_psycopg(recording, postgres_url):
    """What psycopg's instrumentation would record of the same statement is left to us."""
    with driver_instrumented(recording, "psycopg"):
        engine = sa.create_engine(url_of(postgres_url, "psycopg"))
        recording.telemetry.instrument(engine)
        with engine.connect() as connection:
            connection.execute(sa.select(sa.literal_column("1")))
            with connection.connection.cursor() as cursor:
                cursor.execute("SELECT 2")
        engine.dispose()

    assert texts_of(recording, "SELECT ?", "SELECT 1", "SELECT 2") == [
        ("sqlalchemy", "SELECT ?"),
        ("psycopg", "SELECT 2"),
    ]


def texts_of(recording, *beginnings):
    """Statements that begin with one of *beginnings*, each with who recorded it."""
    found = [
        (
            span.instrumentation_scope.name.rpartition(".")[2],
            span.attributes.get("db.query.text") or span.attributes.get("db.statement", ""),
        )
        for span in recording.spans()
    ]
    return [(scope, text) for scope, text in found if text.startswith(beginnings)]


def test_beside_the_instrumentation_of_asyncpg(recording, on_asyncio):
    """The same of asyncpg's, on asyncio."""

    async def use(engine):
        recording.telemetry.instrument(engine)
        async with engine.connect() as connection:
            await connection.execute(sa.select(book))

    with driver_instrumented(recording, "asyncpg"):
        on_asyncio(use)

    assert texts_of(recording, "SELECT book") == [
        ("sqlalchemy", "SELECT book.id, book.title FROM book")
    ]


def test_the_traceparent_reaches_the_server(recording, engine, on_asyncio):
    """By setting a statement carries its span's ids to the server, prepared ones too."""
    shown = sa.text("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    undo = ours.instrument(engine, telemetry=recording.telemetry, sqlcommenter=True)
    found = [scalar(engine, shown)]
    undo()

    async def use(engine_of_asyncio):
        ours.instrument(engine_of_asyncio, telemetry=recording.telemetry, sqlcommenter=True)
        # A transaction sees one and the same activity from its beginning to its end.
        for _ in range(2):
            async with engine_of_asyncio.connect() as connection:
                found.append((await connection.execute(shown)).scalar())

    on_asyncio(use)

    for text, span in zip(found, recording.spans(), strict=True):
        context = span.get_span_context()
        ids = f"{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        assert text.endswith(f"/*traceparent='00-{ids}'*/")
