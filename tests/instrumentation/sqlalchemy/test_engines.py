"""Statements of engines on SQLite, as the telemetry and the application see them."""

import contextlib
import threading

import pytest
import sqlalchemy as sa

from opentelemetry import trace
from opentelemetry.context import attach, detach, set_value
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import event
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload
from sqlalchemy.pool import StaticPool

from otel_flow.instrumentation import sqlalchemy as ours
from tests.recording import Recording


DURATION = "db.client.operation.duration"
NEW = sa.__version__.startswith("2.")

Base = declarative_base()


class Shelf(Base):
    __tablename__ = "shelf"
    id = sa.Column(sa.Integer, primary_key=True)
    books = relationship("Book")


class Book(Base):
    __tablename__ = "book"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String(40), unique=True)
    shelf_id = sa.Column(sa.ForeignKey("shelf.id"))


def make_engine(**options):
    engine = sa.create_engine("sqlite://", future=True, poolclass=StaticPool, **options)
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def engine():
    made = make_engine()
    yield made
    ours.uninstrument(made)
    made.dispose()


def names(recording):
    return [span.name for span in recording.spans()]


def test_a_statement_is_one_client_span_and_one_point(recording, engine):
    """A statement is one CLIENT span with the stable attributes, under the caller's, and one point."""
    recording.telemetry.instrument(engine)
    tracer = recording.telemetry.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("request") as parent, engine.connect() as connection:
        rows = connection.execute(sa.select(Book.title).where(Book.id == 7)).all()

    assert rows == []
    span, _ = recording.spans()
    assert (span.name, span.kind) == ("SELECT book", SpanKind.CLIENT)
    assert span.parent.span_id == parent.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    series = {
        "db.system.name": "sqlite",
        "db.namespace": ":memory:",
        "db.operation.name": "SELECT",
        "db.collection.name": "book",
        "db.query.summary": "SELECT book",
    }
    text = "SELECT book.title FROM book WHERE book.id = ?"
    assert dict(span.attributes) == series | {"db.query.text": text}
    (point,) = recording.points(DURATION)
    assert (point.count, dict(point.attributes)) == (1, series)
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


def test_engines_made_before_and_after(recording, engine):
    """Without a target, engines made before and after are recorded, each statement once."""
    recording.telemetry.instrument()
    recording.telemetry.instrument()
    later = make_engine()
    options = later.execution_options(isolation_level="AUTOCOMMIT")

    for made in (engine, later, options):
        with made.connect() as connection:
            connection.execute(sa.select(Book))

    assert names(recording)[-3:] == ["SELECT book"] * 3
    assert len([name for name in names(recording) if name == "SELECT book"]) == 3
    later.dispose()


def test_connections_that_were_open_before(recording, engine):
    """A connection that the application holds already is recorded from then on, and no longer."""
    with engine.connect() as connection:
        connection.execute(sa.select(Book))
        undo = recording.telemetry.instrument(engine)
        connection.execute(sa.select(Book))
        undo()
        undo()
        connection.execute(sa.select(Book))

    assert names(recording) == ["SELECT book"]


def test_targets_and_everything_in_any_order(recording, engine):
    """An engine that was taken out stays out; the rest goes on; what was named outlives the undo."""
    other = make_engine()
    undo_all = recording.telemetry.instrument()
    recording.telemetry.instrument(engine)
    ours.uninstrument(other)
    for made in (engine, other):
        with made.connect() as connection:
            connection.execute(sa.select(Book))
    assert names(recording) == ["SELECT book"]

    undo_all()
    with engine.connect() as connection:
        connection.execute(sa.select(Shelf))

    assert names(recording) == ["SELECT book", "SELECT shelf"]
    other.dispose()


def test_nothing_is_left_behind(recording, engine):
    """After the undo SQLAlchemy is as it was: its methods, its events and the pool's creator."""
    before = (sa.engine.Engine.raw_connection, engine.pool._invoke_creator)
    undo = recording.telemetry.instrument()
    with engine.connect():
        pass
    undo()

    assert (sa.engine.Engine.raw_connection, engine.pool._invoke_creator) == before
    assert not list(engine.dialect.dispatch.do_execute)
    assert not list(engine.pool.dispatch.checkin)


def test_the_next_telemetry_records_what_the_last_one_did(engine):
    """After a shutdown another telemetry records the same engine, and only that one."""
    for _ in range(2):
        recording = Recording()
        recording.telemetry.instrument()
        with engine.connect() as connection:
            connection.execute(sa.select(Book))
        assert names(recording) == ["SELECT book"]
        recording.close()


def test_the_orm(recording, engine):
    """What the ORM emits is recorded, lists of any length under one statement."""
    recording.telemetry.instrument(engine)

    with Session(engine) as session:
        session.add_all([Shelf(books=[Book(title="a"), Book(title="b")]), Shelf()])
        session.commit()
    for shelves in (1, 2):
        with Session(engine) as session:
            query = sa.select(Shelf).options(selectinload(Shelf.books)).limit(shelves)
            session.execute(query).scalars().all()

    selects = [span for span in recording.spans() if span.name == "SELECT book"]
    assert len(selects) == 2
    assert len({span.attributes["db.query.text"] for span in selects}) == 1
    assert "IN (?)" in selects[0].attributes["db.query.text"]


@pytest.mark.parametrize("returning", [False, True])
def test_many_rows_are_one_batch(recording, engine, returning):
    """An execution for many rows is one BATCH span with its size, by however many calls it is sent."""
    if returning and not NEW:
        pytest.skip("RETURNING for many rows came with SQLAlchemy 2.0")
    recording.telemetry.instrument(engine)
    insert = sa.insert(Book)
    if returning:
        insert = insert.returning(Book.id)

    with engine.begin() as connection:
        result = connection.execute(insert, [{"title": str(n)} for n in range(2500)])
        if returning:
            assert len(result.all()) == 2500
        connection.execute(sa.insert(Shelf), [{"id": 1}])

    batch, single = recording.spans()
    assert batch.name == batch.attributes["db.query.summary"] == "BATCH INSERT book"
    assert batch.attributes["db.operation.name"] == "BATCH INSERT"
    assert batch.attributes["db.operation.batch.size"] == 2500
    assert batch.attributes["db.query.text"].startswith("INSERT INTO book (title) VALUES (?)")
    assert single.name == "INSERT shelf"
    assert "db.operation.batch.size" not in single.attributes


def test_a_failed_statement(recording, engine):
    """An error is the driver's class and code on span and point; its message, with values, is not."""
    recording.telemetry.instrument(engine)
    book = {"title": "zqsecret"}

    with engine.begin() as connection:
        connection.execute(sa.insert(Book), book)
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.insert(Book), book)

    _, span = recording.spans()
    assert span.status.status_code is StatusCode.ERROR
    outcome = {
        "error.type": "sqlite3.IntegrityError",
        "db.response.status_code": "SQLITE_CONSTRAINT_UNIQUE",
    }
    assert outcome.items() <= dict(span.attributes).items()
    (point,) = [p for p in recording.points(DURATION) if "error.type" in p.attributes]
    assert outcome.items() <= dict(point.attributes).items()
    assert "zqsecret" not in span.to_json()


def test_a_failed_batch(recording, engine):
    """An error in the middle of a batch is on the batch's one span."""
    recording.telemetry.instrument(engine)
    rows = [{"id": n, "title": "same"} for n in range(3)]
    insert = sa.insert(Book).returning(Book.id) if NEW else sa.insert(Book)

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(insert, rows)

    (span,) = recording.spans()
    assert (span.name, span.status.status_code) == ("BATCH INSERT book", StatusCode.ERROR)
    assert span.attributes["error.type"] == "sqlite3.IntegrityError"


def test_savepoints_and_raw_strings(recording, engine):
    """Savepoints and statements that were never compiled are statements too."""
    recording.telemetry.instrument(engine)

    with engine.begin() as connection, connection.begin_nested():
        connection.exec_driver_sql("SELECT title FROM book WHERE title = 'zqsecret'")

    assert names(recording) == ["SAVEPOINT", "SELECT book", "RELEASE"]
    assert recording.spans()[1].attributes["db.query.text"].endswith("title = ?")


def test_streaming(recording, engine):
    """A streamed result is one span, of the statement, however its rows are fetched."""
    with engine.begin() as connection:
        connection.execute(sa.insert(Book), [{"title": str(n)} for n in range(100)])
    recording.telemetry.instrument(engine)

    with engine.connect() as connection:
        streaming = connection.execution_options(stream_results=True, yield_per=10)
        assert len(list(streaming.execute(sa.select(Book)))) == 100

    assert names(recording) == ["SELECT book"]


def test_tenants_by_schema(recording, engine):
    """A schema that is filled in at execution is shown as the database gets it."""
    recording.telemetry.instrument(engine)
    table = sa.Table("book", sa.MetaData(), sa.Column("id", sa.Integer), schema="tenant")

    with engine.connect() as connection:
        connection.exec_driver_sql("ATTACH ':memory:' AS acme")
        connection.exec_driver_sql("CREATE TABLE acme.book (id INTEGER)")
        for schema in ("main", "acme"):
            mapped = connection.execution_options(schema_translate_map={"tenant": schema})
            mapped.execute(sa.select(table))

    assert names(recording)[2:] == ["SELECT main.book", "SELECT acme.book"]


def test_what_a_default_asks_is_its_own_statement(recording, engine):
    """A statement that SQLAlchemy sends before another one is not taken for that other."""
    recording.telemetry.instrument(engine)
    highest = sa.select(sa.func.max(Shelf.id) + 1).scalar_subquery()
    table = sa.Table(
        "book",
        sa.MetaData(),
        sa.Column("id", sa.Integer, sa.schema.ColumnDefault(highest), primary_key=True),
        sa.Column("title", sa.String),
    )

    with engine.begin() as connection:
        connection.execute(sa.insert(Shelf), {"id": 41})
        connection.execute(sa.insert(table), {"title": "x"})

    # SQLAlchemy 1.4 puts a SELECT of its own around the one that it is given.
    assert names(recording)[1:] in (
        ["SELECT shelf", "INSERT book"],
        ["SELECT SELECT shelf", "INSERT book"],
        ["INSERT book SELECT shelf"],
    )


def test_suppressed_statements(recording, engine):
    """Where instrumentation is suppressed, as in a probe, a statement has neither span nor point."""
    recording.telemetry.instrument(engine)

    token = attach(set_value("suppress_instrumentation", True))
    try:
        with engine.begin() as connection:
            connection.execute(sa.select(Book))
            connection.execute(sa.insert(Book), [{"title": "a"}, {"title": "b"}])
    finally:
        detach(token)

    assert recording.spans() == recording.points(DURATION) == []


def test_listeners_of_the_application(recording, engine):
    """Events of the application see what they did, one that takes over a statement included."""
    seen = []

    @event.listens_for(engine, "do_execute")
    def take_over(cursor, statement, parameters, context):
        seen.append(trace.get_current_span().get_span_context().span_id)
        cursor.execute("SELECT 'taken over'")
        return True

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def hint(_connection, _cursor, statement, parameters, *rest):
        return f"/* hint */ {statement}", parameters

    recording.telemetry.instrument(engine)
    with engine.connect() as connection:
        result = connection.exec_driver_sql("SELECT id FROM book WHERE id = ?", (1,)).scalar()

    assert result == "taken over"
    (span,) = recording.spans()
    assert (seen, span.name) == ([span.context.span_id], "SELECT book")


def test_statements_of_a_listener_have_their_own_span(recording, engine):
    """What a listener does around a batch is recorded; only the driver's work is not."""
    other = make_engine()
    recording.telemetry.instrument(engine, other)

    @event.listens_for(engine, "before_cursor_execute")
    def audit(*arguments):
        with other.connect() as connection:
            connection.execute(sa.select(Shelf))

    insert = sa.insert(Book).returning(Book.id) if NEW else sa.insert(Book)
    with engine.begin() as connection:
        connection.execute(insert, [{"title": "a"}, {"title": "b"}])

    assert sorted(names(recording)) == ["BATCH INSERT book", "SELECT shelf"]
    other.dispose()


def test_slow_statements_are_logged(engine):
    """From the threshold on a statement is a WARN event with summary and fingerprint, no values."""
    recording = Recording(slow_query=0.2)
    recording.telemetry.instrument(engine)
    napped = threading.Event()

    @event.listens_for(engine, "do_execute")
    def nap(cursor, statement, parameters, context):
        if "zqsecret" in statement:
            napped.wait(0.3)

    with engine.connect() as connection:
        connection.execute(sa.text("SELECT title FROM book WHERE title = 'zqsecret'"))
        connection.execute(sa.text("SELECT title FROM book WHERE title = 'other'"))

    (record,) = [r for r in recording.records() if r.body == "otel_flow.db.slow_query"]
    slow, _ = recording.spans()
    assert (record.severity_text, record.span_id) == ("WARN", slow.context.span_id)
    assert record.attributes["db.query.summary"] == "SELECT book"
    assert record.attributes["otel_flow.db.duration"] >= 0.2
    assert len(record.attributes["otel_flow.db.fingerprint"]) == 16
    assert "zqsecret" not in repr((record.body, record.attributes))
    recording.close()


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT 1", "SELECT 1 /*traceparent='00-{}'*/"),
        ("SELECT 1 ; ", "SELECT 1  /*traceparent='00-{}'*/;"),
        ("SELECT 1 -- mine", "SELECT 1 -- mine"),
        ("SELECT /*+ hint */ 1", "SELECT /*+ hint */ 1"),
    ],
)
def test_traceparent_as_comment(engine, sql, sent):
    """By setting a statement carries its span's traceparent, unless it has a comment of its own."""
    recording = Recording(sqlcommenter=True)
    recording.telemetry.instrument(engine)
    arrived = []

    with engine.connect() as connection:
        connection.connection.dbapi_connection.set_trace_callback(arrived.append)
        assert connection.exec_driver_sql(sql).scalar() == 1
        connection.connection.dbapi_connection.set_trace_callback(None)

    (span,) = recording.spans()
    context = span.context
    ids = f"{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert [text.strip() for text in arrived][:1] == [sent.format(ids)]
    assert "traceparent" not in span.attributes["db.query.text"]
    recording.close()


def test_traceparent_on_every_part_of_a_batch(engine):
    """All calls that a batch is sent by carry the traceparent of the batch's span."""
    if not NEW:
        pytest.skip("a batch is sent by several calls from SQLAlchemy 2.0 on")
    recording = Recording(sqlcommenter=True)
    recording.telemetry.instrument(engine)
    arrived = []

    with engine.begin() as connection:
        connection.connection.dbapi_connection.set_trace_callback(arrived.append)
        rows = [{"title": str(n)} for n in range(2500)]
        connection.execute(sa.insert(Book).returning(Book.id), rows)
        connection.connection.dbapi_connection.set_trace_callback(None)

    (span,) = recording.spans()
    inserts = [text for text in arrived if text.startswith("INSERT")]
    assert len(inserts) > 1
    assert all(f"-{span.context.span_id:016x}-" in text for text in inserts)
    recording.close()


def test_options_win_over_settings(engine):
    """Options of one call win over the settings, for that engine."""
    recording = Recording(sqlcommenter=True, slow_query=0.0)
    ours.instrument(engine, telemetry=recording.telemetry, sqlcommenter=False, slow_query=1e-9)
    arrived = []

    with engine.connect() as connection:
        connection.connection.dbapi_connection.set_trace_callback(arrived.append)
        connection.exec_driver_sql("SELECT 1")
        connection.connection.dbapi_connection.set_trace_callback(None)

    assert arrived == ["SELECT 1"]
    assert [record.body for record in recording.records()] == ["otel_flow.db.slow_query"]
    recording.close()


def test_recording_that_fails_is_not_the_applications(recording, engine, monkeypatch, caplog):
    """Whatever raises in the recording, the statement is executed; one warning says so."""
    recording.telemetry.instrument(engine)

    def explode(*arguments, **keywords):
        raise RuntimeError("boom")

    module = "otel_flow.instrumentation.sqlalchemy"
    for name in ("database.build_query", "query.Query.failed"):
        monkeypatch.setattr(f"{module}.{name}", explode)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
        with contextlib.suppress(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT * FROM nowhere"))
        connection.execute(sa.insert(Book), [{"title": "a"}, {"title": "b"}])

    assert [r.getMessage() for r in caplog.records] == ["a statement was not recorded"]


def test_statements_are_analysed_once(recording, engine, monkeypatch):
    """A statement is read when it is first executed, whatever its parameters and lists."""
    recording.telemetry.instrument(engine)
    read = []
    module = "otel_flow.instrumentation.sqlalchemy.query"
    analyse = ours.query.analyse
    monkeypatch.setattr(f"{module}.analyse", lambda *given: read.append(given) or analyse(*given))

    with engine.connect() as connection:
        for length in range(1, 30):
            connection.execute(sa.select(Book).where(Book.id.in_(range(length))))

    assert len(read) == 1


def test_what_is_remembered_of_long_statements_is_bounded(recording, engine):
    """Of generated statements as much is kept as is read of them, not their megabytes."""
    recording.telemetry.instrument(engine)
    with engine.connect() as connection:
        for number in range(5):
            connection.exec_driver_sql(f"SELECT 1 /* {'x' * 100_000} */ + {number}")

    (database,) = [vars(engine.dialect)[name] for name in vars(engine.dialect) if "otel" in name]
    assert database._queries.cache_info().currsize == 1
    assert set(names(recording)) == {"SELECT"}


def test_contribs_instrumentation_is_replaced(recording, caplog):
    """Where contrib's instrumentation is on as well, it is taken out: one span a statement."""
    contrib = pytest.importorskip("opentelemetry.instrumentation.sqlalchemy")
    instrumentor = contrib.SQLAlchemyInstrumentor()
    instrumentor.instrument(
        tracer_provider=recording.telemetry.tracer_provider, skip_dep_check=True
    )
    engine = sa.create_engine("sqlite://", future=True)
    recording.telemetry.instrument()

    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))

    assert [name for name in names(recording) if name != "connect"] == ["SELECT"]
    assert "contrib's SQLAlchemy instrumentation is taken out" in caplog.text
    assert not instrumentor.is_instrumented_by_opentelemetry
    engine.dispose()


def test_without_telemetry_nothing_is_done(engine):
    """Without a running telemetry, or with a disabled one, instrumenting does nothing."""
    ours.instrument(engine)()
    ours.instrument()()
    ours.uninstrument()

    assert ours.TARGETS[0] is sa.engine.Engine
    with pytest.raises(AttributeError):
        ours.NOTHING  # noqa: B018
