"""Which engines are recorded."""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING

from sqlalchemy.engine import Engine

from otel_flow import telemetry as running
from otel_flow.instrumentation.database.targets import Targets
from otel_flow.instrumentation.sqlalchemy.database import Database
from otel_flow.instrumentation.sqlalchemy.hooks import DATABASE, hook


if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")


def _replace_contrib() -> None:
    """Take contrib's instrumentation out, if it is in: every statement would have two spans."""
    module = sys.modules.get("opentelemetry.instrumentation.sqlalchemy")
    if module is None:
        return
    instrumentor = module.SQLAlchemyInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
        logger.warning("contrib's SQLAlchemy instrumentation is taken out: ours is on")


_engines: Targets[Engine, Database] = Targets(
    DATABASE, owner=lambda engine: engine.dialect, hook=hook, first=_replace_contrib
)


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
