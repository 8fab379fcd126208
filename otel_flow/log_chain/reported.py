"""Exceptions that have their record already, so that a server's own traceback adds no second one."""

from __future__ import annotations

import contextlib

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import logging


_MARK = "__otel_flow_reported__"

_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "_granian", "granian")


def mark_reported(error: BaseException) -> None:
    """Remember on *error* itself that it was logged; one without a dictionary stays unmarked."""
    with contextlib.suppress(AttributeError):
        setattr(error, _MARK, True)


def is_reported(error: BaseException) -> bool:
    """Return whether *error* was logged already."""
    return hasattr(error, _MARK)


def is_repetition(record: logging.LogRecord) -> bool:
    """Return whether *record* is a server's traceback of an exception that was logged already."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return error is not None and is_reported(error) and record.name.partition(".")[0] in _SERVERS
