"""
Our hooks in SQLAlchemy: where a statement goes to the driver and a connection to its borrower.

They are on classes, so engines made before and after are covered alike. ``do_execute``
and its siblings are the innermost events: what they see is the driver, without other
listeners, and an exception, a cancellation among them, passes by.
"""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool

from otel_flow.instrumentation.database.patch import wrap
from otel_flow.instrumentation.database.targets import UNSEEN
from otel_flow.instrumentation.sqlalchemy.pools import checked_in
from otel_flow.instrumentation.sqlalchemy.quiet import hook_quiet


if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect

    from otel_flow.instrumentation.sqlalchemy.database import Database

    DatabaseOf = Callable[[Engine], Database | None]
    Listener = Callable[..., bool]


DATABASE = "_otel_flow_database"
"""Attribute of a dialect, of which each engine has its own: what records it, None for nothing."""


def hook(database_of: DatabaseOf) -> Callable[[], None]:
    """Ask *database_of* what records each statement and each connection; return the undo."""
    listeners = {
        "do_execute": _executing("do_execute", database_of),
        "do_executemany": _executing("do_executemany", database_of),
        "do_execute_no_params": _executing_alone(database_of),
    }
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    event.listen(Pool, "checkin", checked_in)
    undos = [wrap(Engine, "raw_connection", _borrowing(database_of)), *hook_quiet(_is_recorded)]
    if hasattr(Connection, "_exec_insertmany_context"):  # from 2.0 on
        undos.append(wrap(Connection, "_exec_insertmany_context", _batching(database_of)))

    def undo() -> None:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)
        event.remove(Pool, "checkin", checked_in)
        for restore in undos:
            restore()

    return undo


def _is_recorded(dialect: Any) -> bool:
    return vars(dialect).get(DATABASE) is not None


def _executing(name: str, database_of: DatabaseOf) -> Listener:
    """Return the listener for event *name* of statements with parameters."""
    many = name == "do_executemany"

    def listen(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if context is None:
            return False
        database: Any = context.dialect.__dict__.get(DATABASE, UNSEEN)
        if database is UNSEEN:
            database = database_of(context.engine)
        if database is None:
            return False
        recorded: bool = database.execute(call, cursor, statement, parameters, context, many=many)
        return recorded

    def call(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        dialect = context.dialect
        rest = iter(getattr(dialect.dispatch, name))
        for listener in rest:
            if listener is listen:
                break
        for other in rest:
            if other(cursor, statement, parameters, context):
                return
        getattr(dialect, name)(cursor, statement, parameters, context)

    return listen


def _executing_alone(database_of: DatabaseOf) -> Listener:
    """Return the listener for statements that the driver shall not look for parameters in."""

    def listen(cursor: Any, statement: str, context: Any) -> bool:
        database = _database(context, database_of)
        if database is None:
            return False
        return database.execute(call, cursor, statement, (), context, many=False)

    def call(cursor: Any, statement: str, _parameters: Any, context: Any) -> None:
        dialect = context.dialect
        for other in _listeners_after(listen, dialect.dispatch.do_execute_no_params):
            if other(cursor, statement, context):
                return
        dialect.do_execute_no_params(cursor, statement, context)

    return listen


def _database(context: Any, database_of: DatabaseOf) -> Database | None:
    if context is None:
        return None
    found: Any = vars(context.dialect).get(DATABASE, UNSEEN)
    return database_of(context.engine) if found is UNSEEN else found


def _listeners_after(ours: Listener, listeners: Any) -> Any:
    """Return an iterator over the *listeners* that SQLAlchemy would ask after *ours*."""
    rest = iter(listeners)
    for listener in rest:
        if listener is ours:
            break
    return rest


def _borrowing(database_of: DatabaseOf) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def raw_connection(engine: Engine, *arguments: Any, **keywords: Any) -> Any:
            # SQLAlchemy 1.4 has a keyword for connections that were invalidated.
            database = database_of(engine)
            if database is None:
                return original(engine, *arguments, **keywords)
            return database.pools.borrow(engine, original, *arguments, **keywords)

        return raw_connection

    return wrapper


def _batching(database_of: DatabaseOf) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def insert_many(connection: Connection, dialect: Dialect, context: Any) -> Any:
            call = functools.partial(original, connection, dialect, context)
            database = _database(context, database_of)
            return call() if database is None else database.execute_batch(call, context)

        return insert_many

    return wrapper
