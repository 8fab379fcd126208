"""What a failed statement is recorded as: the class and the code of its error, never its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from otel_flow.measure.recording import error_type
from otel_flow.names import database as names


if TYPE_CHECKING:
    from collections.abc import Mapping


_CODES = ("sqlstate", "pgcode", "sqlite_errorname", "full_code")
"""Attributes of drivers' exceptions: SQLSTATE, the names of SQLite's codes, Oracle's."""

_CODE_FIRST = frozenset({"pymysql", "MySQLdb", "mysql", "asyncmy", "pyodbc"})
"""Drivers whose exceptions have the code as their first argument."""


def outcome_of(error: BaseException) -> Mapping[str, str]:
    """
    Return ``error.type`` and, where the database gave one, ``db.response.status_code``.

    The type is the driver's own exception, behind what SQLAlchemy wraps it in. Its
    message is left out: databases repeat the values in it.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if type(error).__module__.startswith("sqlalchemy.") and error.__cause__ is not None:
        # The adapters of asyncio drivers raise exceptions of their own from the driver's.
        error = error.__cause__
    outcome = {names.ERROR_TYPE.name: error_type(error)}
    if code := _code(error):
        outcome[names.STATUS_CODE.name] = code
    return outcome


def _code(error: BaseException) -> str | None:
    first = error.args[0] if error.args else None
    for candidate in (error, first):
        for attribute in _CODES:
            code = getattr(candidate, attribute, None)
            if isinstance(code, str) and code:
                return code
    driver = type(error).__module__.partition(".")[0]
    return str(first) if driver in _CODE_FIRST and first is not None else None
