"""`user`: who a request is for, on its spans and log events, never on metrics."""

from __future__ import annotations

import hashlib
import hmac

from typing import TYPE_CHECKING, Any

import structlog

from opentelemetry import trace

from otel_flow import telemetry
from otel_flow.names.measure import USER_HASH, USER_ID


if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token
    from types import TracebackType


class UserBinding:
    """A user bound to the log events of the current context; as a context manager, to a block."""

    __slots__ = ("_before",)

    def __init__(self, before: Mapping[str, Token[Any]]) -> None:
        self._before = before

    def __enter__(self) -> None:
        """Keep the user bound during the block."""

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        # Who was bound before is so again, unless the block ends in another context than it
        # began in, as generators may that a framework runs on threads.
        try:
            structlog.contextvars.reset_contextvars(**self._before)
        except ValueError:
            structlog.contextvars.unbind_contextvars(*self._before)


def user(identifier: str | int, /) -> UserBinding:
    """
    Put the user *identifier* on the current span and on the log events that follow.

    As ``user.id``, or with ``OTEL_FLOW_USER_ID=hash`` as ``user.hash``, the HMAC-SHA-256 of
    it under OTEL_FLOW_REDACTION_HASH_KEY: the same user has the same hash, and nobody without
    the key can tell who it is. Never on metrics, where each user would be a series. Without
    ``with`` it stays bound as long as the context lives, a request or a task.
    """
    key, value = _named(str(identifier))
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute(key, value)
    return UserBinding(structlog.contextvars.bind_contextvars(**{key: value}))


def _named(identifier: str) -> tuple[str, str]:
    handle = telemetry.current()
    if handle is None or handle.settings.user_id == "raw":
        return USER_ID.name, identifier
    secret = (handle.settings.redaction_hash_key or "").encode()
    digest = hmac.new(secret, identifier.encode(errors="backslashreplace"), hashlib.sha256)
    return USER_HASH.name, digest.hexdigest()
