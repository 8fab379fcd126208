"""What an event consists of: its attributes as plain values, and the context it was written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from opentelemetry import baggage
from structlog import contextvars as structlog_contextvars

from otel_flow.log_chain.exceptions import exception_attributes, exception_info, stacktrace
from otel_flow.log_chain.values import CLEAN, encodable, plain, text


if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from opentelemetry.context import Context
    from structlog.typing import EventDict


FIELDS = frozenset({"timestamp", "level", "event", "logger", "trace_id", "span_id"})
"""Keys of a line that are fields of an OTLP record, or the name of its scope."""

SPECIAL = FIELDS | {"exc_info", "exception", "stack_info", "positional_args"}
"""Keys with a meaning of their own in an event dictionary."""
_PROCESSED = SPECIAL | {"stack", "_record", "_from_structlog"}
"""The same where processors of the application have been at work."""

_PLAIN = frozenset({"event", "logger", "level"})
_TRACE = "Traceback (most recent call last)"
VARIABLES: dict[str, Any] | None = getattr(structlog_contextvars, "_CONTEXT_VARS", None)
"""structlog's own, by prefixed name, in the order in which they were first bound."""
_FEW = 64
_PREFIX = len(getattr(structlog_contextvars, "STRUCTLOG_KEY_PREFIX", "structlog_"))


def with_context(event: EventDict) -> EventDict:
    """Add to *event* what ``structlog.contextvars`` has bound, where it does not say otherwise."""
    if VARIABLES is None or len(VARIABLES) > _FEW:
        structlog.contextvars.merge_contextvars(None, "", event)
        return event
    # A copy: another thread may bind a key for the first time.
    for name, variable in tuple(VARIABLES.items()):
        value = variable.get(Ellipsis)
        if value is not Ellipsis:
            event.setdefault(name[_PREFIX:], value)
    return event


def from_baggage(context: Context, names: Collection[str]) -> dict[str, str]:
    """Return the entries of the baggage in *context* that are called by *names*; ``*`` is all."""
    entries = baggage.get_all(context)
    return {name: text(value) for name, value in entries.items() if name in names or "*" in names}


def attributes_of(event: Mapping[str, Any], *, own: bool) -> dict[str, Any]:
    """
    Return the attributes of *event* as plain values, exceptions under their conventional names.

    In our *own* chain no processor has put fields beside the values of the caller: a value
    that is called like one is the caller's, and kept as ``fields.<name>``.
    """
    attributes: dict[str, Any] = {}
    special = SPECIAL if own else _PROCESSED
    plain_only = True
    for key, value in event.items():
        if key in special:
            plain_only = plain_only and key in _PLAIN
            continue
        kind = type(value)
        if kind is str:
            attributes[key] = value if value.isascii() else encodable(value)
        elif kind in CLEAN:
            attributes[key] = value
        else:
            attributes[key if type(key) is str else text(key)] = plain(value)
    if not plain_only:
        _add_special(attributes, event, own=own)
    return attributes


def _add_special(attributes: dict[str, Any], event: Mapping[str, Any], *, own: bool) -> None:
    info = exception_info(event.get("exc_info"))
    if info is not None:
        attributes.update(exception_attributes(info, stacktrace(info)))
    elif "exception" in event:
        _add_rendered(attributes, event["exception"])
    stack = event.get("stack_info") or (not own and event.get("stack"))
    if stack:
        attributes["code.stacktrace"] = text(stack)
    if own:
        for key in ("timestamp", "trace_id", "span_id"):
            if key in event:
                attributes[f"fields.{key}"] = plain(event[key])


def _add_rendered(attributes: dict[str, Any], exception: Any) -> None:
    """Add an exception that a processor has shown already, or what a caller calls so."""
    if isinstance(exception, str) and _TRACE in exception:
        attributes["exception.stacktrace"] = plain(exception)
    elif isinstance(exception, list) and exception and "exc_type" in exception[0]:
        last = exception[0]
        attributes["exception.type"] = text(last["exc_type"])
        attributes["exception.message"] = text(last.get("exc_value", ""))
    else:
        attributes["exception"] = plain(exception)


def body_of(event: Mapping[str, Any]) -> Any:
    """Return what *event* says, with the positional arguments put in that stdlib loggers take."""
    said = event.get("event")
    arguments = event.get("positional_args")
    if arguments:
        # Arguments that do not fit are the caller's mistake; show both.
        try:
            said = said % arguments
        except Exception:
            said = f"{text(said)} {text(arguments)}"
    if type(said) is str and said.isascii():
        return said
    return plain(said)
