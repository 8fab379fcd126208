"""What left an application: its error, or a client that has gone."""

from __future__ import annotations


_DISCONNECTS = frozenset(
    {"ClientDisconnect", "CancelledError", "ClientDisconnected", "WebSocketDisconnect"}
)
"""Exceptions that say the client left, or that the server stopped waiting for it."""


def has_left(error: BaseException) -> bool:
    """Return whether *error* only says that the client left, or was sent away."""
    return type(single(error)).__name__ in _DISCONNECTS


def single(error: BaseException) -> BaseException:
    """Return the one exception in the groups that *error* is made of; task groups wrap each."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
