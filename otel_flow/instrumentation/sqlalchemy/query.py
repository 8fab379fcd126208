"""What is recorded of every execution of one statement, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from otel_flow.instrumentation.sqlalchemy.statement import analyse
from otel_flow.names import database as names
from otel_flow.providers.bound import bind
from otel_flow.providers.prepared import constant, starter_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span, Tracer

    from otel_flow.instrumentation.sqlalchemy.lexer import Grammar
    from otel_flow.instrumentation.sqlalchemy.statement import Statement


class Query:
    """Span name, attributes and duration series of one statement, as batch or alone."""

    __slots__ = (
        "_histogram",
        "_series",
        "duration",
        "is_template",
        "name",
        "start",
        "statement",
    )

    def __init__(
        self,
        statement: Statement,
        database: Mapping[str, Any],
        tracer: Tracer,
        histogram: Histogram,
        *,
        batch: bool,
        is_template: bool,
    ) -> None:
        self.statement = statement
        self.is_template = is_template
        """Whether the text is not what the database gets: names of schemas are to be filled in."""
        prefix = "BATCH " if batch else ""
        operation = statement.operation and f"{prefix}{statement.operation}"
        summary = statement.summary and f"{prefix}{statement.summary}"
        described = {
            names.OPERATION.name: operation,
            names.COLLECTION.name: statement.collection,
            names.SUMMARY.name: summary,
        }
        self._series = {
            **database,
            **{name: value for name, value in described.items() if value},
        }
        self.name = summary or database[names.SYSTEM.name]
        prepared = constant({**self._series, names.TEXT.name: statement.text})
        self.start = starter_of(tracer, self.name, SpanKind.CLIENT, prepared)
        """Starts the span of an execution with one set of parameters."""
        self.duration = bind(histogram, self._series)
        self._histogram = histogram

    def start_batch(self, size: int, context: Context) -> Span:
        """Start the span of an execution with *size* sets of parameters in *context*."""
        return self.start(context, {names.BATCH_SIZE.name: size})

    def failed(self, seconds: float, outcome: Mapping[str, str], context: Context) -> None:
        """Record an execution that ended in an error, which *outcome* names."""
        self._histogram.record(seconds, {**self._series, **outcome}, context)


def build_query(
    text: str,
    *,
    grammar: Grammar,
    database: Mapping[str, Any],
    tracer: Tracer,
    histogram: Histogram,
    batch: bool,
) -> Query:
    """Return the query of *text*, a statement or what SQLAlchemy makes statements from."""
    return Query(
        analyse(text, grammar),
        database,
        tracer,
        histogram,
        batch=batch,
        is_template="__[SCHEMA_" in text,
    )
