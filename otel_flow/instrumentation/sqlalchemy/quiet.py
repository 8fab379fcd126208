"""
What SQLAlchemy asks of a connection for itself, of which a driver's instrumentation makes nothing.

A new connection is asked for its version and its types, an old one whether it lives. Nobody's
code asked for that, and outside a request each would be a trace of its own; how long it takes
is in the times of the pool.
"""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import base

from otel_flow.instrumentation.database.patch import wrap
from otel_flow.providers.active import current_context, enter, leave


if TYPE_CHECKING:
    from collections.abc import Callable


_SUPPRESSED = "suppress_instrumentation"
"""Key of the context with which instrumentations are told to record nothing, logs excepted."""

_BY_US = object()
"""Its value in here."""


def hook_quiet(is_recorded: Callable[[Any], bool]) -> list[Callable[[], None]]:
    """Keep driver instrumentations silent under dialects of which *is_recorded* is true; return undos."""
    ping = "_do_ping_w_event" if hasattr(DefaultDialect, "_do_ping_w_event") else "do_ping"  # 1.4
    return [
        wrap(base._ConnectionRecord, _CONNECT, _quiet(is_recorded, _dialect_of)),
        wrap(DefaultDialect, ping, _quiet(is_recorded, lambda dialect: dialect)),
    ]


_CONNECT = "_ConnectionRecord__connect"
"""Makes a connection and has those who listen set it up; there in every version since 1.0."""


def _dialect_of(record: Any) -> Any:
    return record._ConnectionRecord__pool._dialect


def _quiet(
    is_recorded: Callable[[Any], bool], dialect_of: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    def wrapper(original: Any) -> Any:
        @functools.wraps(original)
        def method(self: Any, *arguments: Any) -> Any:
            current = current_context()
            if current.get(_SUPPRESSED) or not is_recorded(dialect_of(self)):
                return original(self, *arguments)
            token = enter(Context({**current, _SUPPRESSED: _BY_US}))
            try:
                return original(self, *arguments)
            finally:
                leave(token)

        return method

    return wrapper


def heard(call: Callable[[Any], Any], argument: Any) -> Any:
    """
    Return what *call* does with *argument*, as loud as it would be without us.

    To connect may take more than the driver: a listener asks for a token over HTTP.
    """
    current = current_context()
    if current.get(_SUPPRESSED) is not _BY_US:
        return call(argument)
    token = enter(Context({**current, _SUPPRESSED: None}))
    try:
        return call(argument)
    finally:
        leave(token)
