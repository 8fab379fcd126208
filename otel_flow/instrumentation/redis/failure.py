"""What a failed command is recorded as: class and code of its error, never its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis import exceptions

from otel_flow.measure.recording import error_type
from otel_flow.names import database as names


if TYPE_CHECKING:
    from collections.abc import Mapping


EXPECTED = (exceptions.NoScriptError, exceptions.WatchError)
"""
What redis-py's own code waits for: a script is loaded after the first, a transaction is
tried again after the second. Neither makes the command a failure.
"""

_CODES = (
    (exceptions.NoScriptError, "NOSCRIPT"),
    (exceptions.ExecAbortError, "EXECABORT"),
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.ClusterCrossSlotError, "CROSSSLOT"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.MovedError, "MOVED"),
    (exceptions.AskError, "ASK"),
)
"""Exceptions that redis-py takes the code away from, before it keeps it as ``status_code``."""

_KNOWN = frozenset(
    {
        *("ERR", "WRONGTYPE", "NOGROUP", "BUSYGROUP", "BUSYKEY", "BUSY", "NOTBUSY"),
        *("UNKILLABLE", "NOREPLICAS", "NOAUTH", "WRONGPASS", "DENIED", "IOERR", "INPROG"),
        *("NOQUORUM", "NOGOODSLAVE", "UNBLOCKED", "NOPROTO", "MISCONF", "CROSSSLOT"),
        *("CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "MASTERDOWN", "UNSTABLE", "STALE"),
        *("NOSCRIPT", "EXECABORT", "LOADING", "READONLY", "NOPERM", "OOM", "UNKNOWN"),
    }
)
"""Codes of Redis; a script may raise an error of any text, which is the application's data."""

_IN_PIPELINE = " of pipeline caused error: "


def outcome_of(error: BaseException) -> Mapping[str, str]:
    """Return ``error.type`` and, where Redis answered, ``db.response.status_code``."""
    outcome = {names.ERROR_TYPE.name: error_type(error)}
    if code := code_of(error):
        outcome[names.STATUS_CODE.name] = code
    return outcome


def code_of(error: BaseException) -> str | None:
    """Return the first word of what Redis answered, if it did."""
    if not isinstance(error, exceptions.ResponseError | exceptions.BusyLoadingError):
        return None
    # From redis-py 7.1 on the parser keeps what it takes away.
    code = getattr(error, "status_code", None)
    if isinstance(code, str) and code in _KNOWN:
        return code
    for kind, known in _CODES:
        if isinstance(error, kind):
            return known
    text = str(error.args[0]) if error.args else ""
    first = text.rpartition(_IN_PIPELINE)[2].partition(" ")[0]
    return first if first in _KNOWN else "ERR"
