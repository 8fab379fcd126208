"""Which engines are recorded."""

from __future__ import annotations

import functools
import logging
import sys
import weakref

from typing import TYPE_CHECKING

from sqlalchemy.engine import Engine

from otel_flow import telemetry as running
from otel_flow.instrumentation.sqlalchemy.database import Database
from otel_flow.instrumentation.sqlalchemy.hooks import DATABASE, UNSEEN, hook


if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine

    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")


class Engines:
    """The engines that are recorded, with our hooks in SQLAlchemy as long as there is one."""

    def __init__(self) -> None:
        self._make: Callable[[Engine], Database] | None = None
        self._dialects: weakref.WeakSet[Dialect] = weakref.WeakSet()
        """Those that are recorded since every engine is."""
        self._own = 0
        self._unhook: Callable[[], None] | None = None

    def instrument_all(self, make: Callable[[Engine], Database]) -> Callable[[], None]:
        """Record every engine that has no database of its own; return the undo."""
        if self._make is not None:
            return lambda: None
        self._make = make
        self._hook()
        return self.uninstrument_all

    def uninstrument_all(self) -> None:
        """Record only the engines that were named."""
        self._make = None
        for dialect in list(self._dialects):
            _forget(dialect)
        self._dialects.clear()
        self._unhook_if_idle()

    def instrument(self, engine: Engine, make: Callable[[Engine], Database]) -> Callable[[], None]:
        """Record *engine*; return the undo."""
        dialect = engine.dialect
        if self._is_own(dialect):
            return lambda: None
        self._dialects.discard(dialect)
        _forget(dialect)
        vars(dialect)[DATABASE] = make(engine)
        self._own += 1
        self._hook()
        return functools.partial(self.uninstrument, engine)

    def uninstrument(self, engine: Engine) -> None:
        """Record *engine* no more, not even where every other is recorded."""
        dialect = engine.dialect
        if self._is_own(dialect):
            self._own -= 1
        self._dialects.discard(dialect)
        _forget(dialect)
        vars(dialect)[DATABASE] = None
        self._unhook_if_idle()

    def database_of(self, engine: Engine) -> Database | None:
        """Return what records *engine*; None if it is not recorded."""
        dialect = engine.dialect
        found = vars(dialect).get(DATABASE, UNSEEN)
        if found is UNSEEN and self._make is not None:
            # Whatever fails in here is ours alone.
            try:
                _replace_contrib()
                found = vars(dialect).setdefault(DATABASE, self._make(engine))
                self._dialects.add(dialect)
            except Exception:
                logger.warning("%r is not recorded", engine, exc_info=True)
                found = vars(dialect)[DATABASE] = None
        return None if found is UNSEEN else found

    def _is_own(self, dialect: Dialect) -> bool:
        return vars(dialect).get(DATABASE) is not None and dialect not in self._dialects

    def _hook(self) -> None:
        if self._unhook is None:
            self._unhook = hook(self.database_of)

    def _unhook_if_idle(self) -> None:
        if self._unhook is not None and self._make is None and self._own == 0:
            self._unhook()
            self._unhook = None


def _forget(dialect: Dialect) -> None:
    database = vars(dialect).pop(DATABASE, None)
    if database is not None:
        database.pools.forget()


def _replace_contrib() -> None:
    """Take contrib's instrumentation out, if it is in: every statement would have two spans."""
    module = sys.modules.get("opentelemetry.instrumentation.sqlalchemy")
    if module is None:
        return
    instrumentor = module.SQLAlchemyInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
        logger.warning("contrib's SQLAlchemy instrumentation is taken out: ours is on")


_engines = Engines()


def instrument(
    target: Engine | AsyncEngine | None = None,
    *,
    telemetry: Telemetry | None = None,
    sqlcommenter: bool | None = None,
    slow_query: float | None = None,
) -> Callable[[], None]:
    """
    Record the statements and pools of *target*, by default of every engine; return the undo.

    *sqlcommenter* puts the traceparent into a comment of each statement; *slow_query* is
    the duration in seconds from which a statement is logged as slow, 0 for never. Both
    are the settings' by default.
    """
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    settings = telemetry.settings
    make = functools.partial(
        Database,
        telemetry=telemetry,
        sqlcommenter=settings.sqlcommenter if sqlcommenter is None else sqlcommenter,
        slow_query=settings.slow_query if slow_query is None else slow_query,
    )
    if target is None:
        return _engines.instrument_all(make)
    return _engines.instrument(_sync(target), make)


def uninstrument(target: Engine | AsyncEngine | None = None) -> None:
    """Stop recording *target*, by default every engine that was not named."""
    if target is None:
        _engines.uninstrument_all()
    else:
        _engines.uninstrument(_sync(target))


def _sync(target: Engine | AsyncEngine) -> Engine:
    """Return the engine that does the work of *target*."""
    return target if isinstance(target, Engine) else target.sync_engine


def targets() -> tuple[type, ...]:
    """Return the classes of engines; that of asyncio only once the application has loaded it."""
    module = sys.modules.get("sqlalchemy.ext.asyncio")
    return (Engine,) if module is None else (Engine, module.AsyncEngine)
