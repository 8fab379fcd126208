"""One engine's database: its statements become spans, durations and slow-query events."""

from __future__ import annotations

import logging
import weakref

from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog

from opentelemetry.context import Context
from opentelemetry.trace import StatusCode, get_current_span

from otel_flow.instrumentation.database.metrics import metrics_of
from otel_flow.instrumentation.sqlalchemy.address import attributes_of, pool_name
from otel_flow.instrumentation.sqlalchemy.comment import with_traceparent
from otel_flow.instrumentation.sqlalchemy.failure import outcome_of
from otel_flow.instrumentation.sqlalchemy.lexer import grammar_of
from otel_flow.instrumentation.sqlalchemy.pools import PoolUse
from otel_flow.instrumentation.sqlalchemy.query import build_query
from otel_flow.instrumentation.sqlalchemy.statement import MAX_READ
from otel_flow.names import database as names
from otel_flow.providers.active import SPAN_KEY, current_context, enter, leave


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span
    from sqlalchemy.engine import Engine, ExecutionContext

    from otel_flow.instrumentation.sqlalchemy.query import Query
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")

SCOPE = "otel_flow.sqlalchemy"

_REMEMBERED = 1024
"""Statements of one engine that are kept analysed, as far as they are read; the oldest one goes."""

_SUPPRESSED = "suppress_instrumentation"
"""Key of the context with which instrumentations are told to record nothing, logs excepted."""

_BATCH = "otel_flow.sqlalchemy.batch"
"""Key of the context: the execution whose span is open, while it sends several statements."""


class Database:
    """Records what the engine executes, whoever asks it to."""

    def __init__(
        self, engine: Engine, telemetry: Telemetry, *, sqlcommenter: bool, slow_query: float
    ) -> None:
        metrics = metrics_of(telemetry, SCOPE)
        attributes = attributes_of(engine)
        self.pools = PoolUse(pool_name(engine, attributes), metrics)
        self._dialect = weakref.ref(engine.dialect)
        self._tracer = telemetry.tracer_provider.get_tracer(SCOPE)
        self._attributes = attributes
        self._histogram = metrics.duration
        self._comments = sqlcommenter
        self._slow = slow_query or float("inf")
        self._lines = structlog.get_logger("otel_flow.db")
        self._compiled: dict[str, Query] = {}
        """What SQLAlchemy compiled → its query, where that is executed with one set of parameters."""
        self._queries = lru_cache(maxsize=_REMEMBERED)(self._build_query)
        self._broken = False

    def forget(self) -> None:
        """Leave the pools of the engine as they were."""
        self.pools.forget()

    def execute(
        self,
        call: Callable[..., None],
        cursor: Any,
        statement: str,
        parameters: Any,
        context: ExecutionContext,
        *,
        many: bool,
    ) -> bool:
        """
        Have *call* execute a statement, and record it; return whether it was called.

        With *many* the parameters may be several sets of them.
        Not recorded is what the context suppresses, and what a dialect asks of a new
        connection for itself.
        """
        current = current_context()
        if current.get(_SUPPRESSED):
            return False
        if current.get(_BATCH) is context:
            self._execute_part(call, cursor, statement, parameters, context)
            return True
        if not context.root_connection._Connection__can_reconnect:  # type: ignore[attr-defined]
            return False
        size = len(parameters) if many and context.executemany else 1
        # Whatever goes wrong in here is ours alone; the statement is executed.
        try:
            query = self._query(statement, context, batch=size > 1)
            span = query.start_batch(size, current) if size > 1 else query.start(current)
        except Exception as error:
            self._report(error)
            return False
        if self._comments:
            statement = with_traceparent(statement, span)
        inside = Context({**current, SPAN_KEY: span, _SUPPRESSED: True})
        token = enter(inside)
        begun = perf_counter()
        try:
            call(cursor, statement, parameters, context)
        except BaseException as error:
            self._fail(query, span, inside, perf_counter() - begun, error)
            leave(token)
            raise
        self._succeed(query, span, inside, perf_counter() - begun)
        leave(token)
        return True

    def execute_batch(self, call: Callable[[], Any], context: Any) -> Any:
        """Return what *call* does: it executes one statement for many rows, by several calls."""
        current = current_context()
        if current.get(_SUPPRESSED):
            return call()
        rows = len(context.compiled_parameters)
        try:
            query = self._query(context.statement, context, batch=rows > 1)
            span = query.start_batch(rows, current) if rows > 1 else query.start(current)
        except Exception as error:
            self._report(error)
            return call()
        inside = Context({**current, SPAN_KEY: span, _BATCH: context})
        token = enter(inside)
        begun = perf_counter()
        try:
            result = call()
        except BaseException as error:
            self._fail(query, span, inside, perf_counter() - begun, error)
            leave(token)
            raise
        self._succeed(query, span, inside, perf_counter() - begun)
        leave(token)
        return result

    def _execute_part(
        self, call: Callable[..., None], cursor: Any, statement: str, *rest: Any
    ) -> None:
        """Have *call* execute one of the statements of a batch, whose span is current."""
        current = current_context()
        if self._comments:
            statement = with_traceparent(statement, get_current_span(current))
        token = enter(Context({**current, _SUPPRESSED: True}))
        try:
            call(cursor, statement, *rest)
        finally:
            leave(token)

    def _succeed(self, query: Query, span: Span, inside: Context, seconds: float) -> None:
        # As above; the statement was executed.
        try:
            query.duration.record(seconds, inside)
            if seconds >= self._slow:
                self._log_slow(query, seconds)
            span.end()
        except Exception as failure:
            self._report(failure)

    def _fail(
        self, query: Query, span: Span, inside: Context, seconds: float, error: BaseException
    ) -> None:
        try:
            outcome = outcome_of(error)
            query.failed(seconds, outcome, inside)
            span.set_attributes(outcome)
            span.set_status(StatusCode.ERROR)
            if seconds >= self._slow:
                self._log_slow(query, seconds)
            span.end()
        except Exception as failure:
            self._report(failure)

    def _query(self, statement: str, context: ExecutionContext, *, batch: bool) -> Query:
        """
        Return the query of *statement*.

        What SQLAlchemy compiled stands for all that it makes of it, with longer and
        shorter lists; what a listener added, a comment mostly, changes nothing.
        """
        compiled = context.compiled
        own = context.statement
        # SQLAlchemy 1.4 has none yet while a default asks for a value with the same context.
        if compiled is not None and own and (statement is own or own in statement):
            text = compiled.string
            if not batch and (known := self._compiled.get(text)) is not None:
                return known
            query = self._queries(text[:MAX_READ], batch)
            if not query.is_template:
                if not batch and len(text) <= MAX_READ:
                    self._keep(text, query)
                return query
        return self._queries(statement[:MAX_READ], batch)

    def _keep(self, text: str, query: Query) -> None:
        if len(self._compiled) >= _REMEMBERED:
            self._compiled.clear()
        self._compiled[text] = query

    def _build_query(self, text: str, batch: bool) -> Query:
        return build_query(
            text,
            grammar=grammar_of(self._dialect()),
            database=self._attributes,
            tracer=self._tracer,
            histogram=self._histogram,
            batch=batch,
        )

    def _log_slow(self, query: Query, seconds: float) -> None:
        described = {
            **self._attributes,
            names.SUMMARY.name: query.name,
            names.FINGERPRINT.name: query.statement.fingerprint,
            names.DURATION.name: round(seconds, 6),
        }
        self._lines.warning(names.SLOW_QUERY.name, **described)

    def _report(self, error: Exception) -> None:
        """Say once that recording fails, and how; the statements go on."""
        if not self._broken:
            self._broken = True
            logger.warning("a statement was not recorded", exc_info=error)
