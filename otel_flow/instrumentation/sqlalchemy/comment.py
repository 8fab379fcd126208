"""The SQL comment by which a database's own logs lead back to the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import format_span_id, format_trace_id


if TYPE_CHECKING:
    from opentelemetry.trace import Span


def with_traceparent(statement: str, span: Span) -> str:
    """
    Return *statement* with ``/*traceparent='…'*/`` at its end (SQLCommenter).

    A statement that has a comment is left alone, as SQLCommenter demands: it may be a
    hint, or open to its end.
    """
    context = span.get_span_context()
    if not context.is_valid or "--" in statement or "/*" in statement:
        return statement
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    comment = f"/*traceparent='00-{trace_id}-{span_id}-{context.trace_flags:02x}'*/"
    body = statement.rstrip()
    if body.endswith(";"):
        return f"{body[:-1]} {comment};"
    return f"{body} {comment}"
