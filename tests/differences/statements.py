"""SQLAlchemy under contrib's instrumentation and under ours."""

from __future__ import annotations

import contextlib

from typing import Any

import sqlalchemy as sa

from sqlalchemy import pool

from tests.differences.side import step


TITLE = "SQLAlchemy 2.1 on SQLite"
AGAINST = "`opentelemetry-instrumentation-sqlalchemy`, its check of versions skipped"

metadata = sa.MetaData()
book = sa.Table(
    "book",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(40), unique=True),
)


def make_engine() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=pool.StaticPool)
    metadata.create_all(engine)
    return engine


def run(side: str, providers: Any, notes: dict[str, str]) -> None:
    before = make_engine()
    if side == "ours":
        from otel_flow.instrumentation import sqlalchemy as ours

        ours.instrument(telemetry=providers, slow_query=0)
    else:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        SQLAlchemyInstrumentor().instrument(**providers, skip_dep_check=True)
    with step("before"), before.connect() as connection:
        connection.execute(sa.select(book))
    engine = make_engine()
    use(engine)
    queue = sa.create_engine("sqlite:///file:shop?mode=memory&uri=true", poolclass=pool.QueuePool)
    with queue.connect() as connection:
        connection.detach()
    if side == "ours":
        providers.force_flush()
    queue.dispose()
    notes["done"] = "yes"


def use(engine: sa.Engine) -> None:
    with step("select"), engine.connect() as connection:
        connection.execute(sa.select(book.c.title).where(book.c.id == 7))
    with step("literal"), engine.connect() as connection:
        connection.execute(sa.text("SELECT title FROM book WHERE title = 'secret'"))
    with step("with"), engine.connect() as connection:
        connection.execute(sa.text("WITH new AS (SELECT * FROM book) SELECT id FROM new"))
    with step("many"), engine.begin() as connection:
        connection.execute(book.insert(), [{"title": f"{number}"} for number in range(20)])
    with step("failed"), contextlib.suppress(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(book.insert(), {"title": "7"})
    with step("savepoint"), engine.begin() as connection, connection.begin_nested():
        connection.execute(sa.select(book))


def names(name: str) -> Any:
    return lambda arrived: (
        ", ".join(f"`{span.name}`" for span in arrived.spans(name, "CLIENT")) or "none"
    )


def statement(arrived: Any, name: str) -> Any:
    """The last span of the step, which is the statement's: a connection comes first."""
    return arrived.spans(name, "CLIENT")[-1]


def attributes(arrived: Any) -> str:
    pairs = sorted(statement(arrived, "select").attributes.items())
    return ", ".join(f"`{key}`={' '.join(str(value).split())}" for key, value in pairs)


def text(arrived: Any) -> str:
    found = statement(arrived, "literal").attributes
    return f"`{found.get('db.query.text') or found.get('db.statement')}`"


def many(arrived: Any) -> str:
    span = statement(arrived, "many")
    size = span.attributes.get("db.operation.batch.size", "absent")
    return f"`{span.name}`, `db.operation.batch.size` {size}"


def outcome(arrived: Any) -> str:
    span = statement(arrived, "failed")
    failed = "error" if span.failed else "no error"
    kind = span.attributes.get("error.type", "absent")
    code = span.attributes.get("db.response.status_code", "absent")
    return f"{failed}, `error.type` {kind}, `db.response.status_code` {code}"


def durations(arrived: Any) -> str:
    return str(sum(point["count"] for point in arrived.points("db.client.operation.duration")))


def detached(arrived: Any) -> str:
    """What is said to be used of a pool whose only connection was taken out of it."""
    found = [
        point
        for point in arrived.points("db.client.connection.count", "db.client.connections.usage")
        if "used" in point.values() and any("shop" in str(value) for value in point.values())
    ]
    return ", ".join(str(point["value"]) for point in found) or "not told"


ROWS = [
    ("An engine made before: spans of a statement", names("before")),
    ("An engine made after: spans of a statement", names("select")),
    ("A statement: attributes", attributes),
    ("A literal in the statement", text),
    ("A common table: span", names("with")),
    ("Twenty rows in one call", many),
    ("A unique key that is there already", outcome),
    ("A savepoint: spans", names("savepoint")),
    ("Points of the duration", durations),
    ("Used connections after `detach()`", detached),
    ("Metrics", lambda arrived: ", ".join(arrived.metric_names("db."))),
]
