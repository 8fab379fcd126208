"""Levels of structlog and logging, and OpenTelemetry's severities."""

from __future__ import annotations

import dataclasses
import logging


@dataclasses.dataclass(frozen=True, slots=True)
class Severity:
    """A level: OpenTelemetry's number and text, the name on the line, and logging's number."""

    number: int
    text: str
    level: str
    threshold: int


_DEBUG = Severity(5, "DEBUG", "debug", logging.DEBUG)
_INFO = Severity(9, "INFO", "info", logging.INFO)
_WARN = Severity(13, "WARN", "warning", logging.WARNING)
_ERROR = Severity(17, "ERROR", "error", logging.ERROR)
_FATAL = Severity(21, "FATAL", "critical", logging.CRITICAL)
_UNSPECIFIED = Severity(0, "NOTSET", "notset", logging.NOTSET)

_KNOWN = {
    "trace": Severity(1, "TRACE", "trace", 5),
    "success": Severity(10, "SUCCESS", "success", 25),
    "notset": _UNSPECIFIED,
    "debug": _DEBUG,
    "info": _INFO,
    "msg": _INFO,
    "warn": _WARN,
    "warning": _WARN,
    "error": _ERROR,
    "err": _ERROR,
    "failure": _ERROR,
    "exception": _ERROR,
    "critical": _FATAL,
    "fatal": _FATAL,
}
"""structlog's, logging's and loguru's names of levels and of methods."""

_STEPS = (
    (logging.CRITICAL, 21),
    (logging.ERROR, 17),
    (logging.WARNING, 13),
    (logging.INFO, 9),
    (logging.DEBUG, 5),
    (1, 1),
)
"""logging's number → OpenTelemetry's, each up to the next."""
_LEVELS = 256
_numbered: dict[tuple[int, str], Severity] = {}


def severity_of_name(name: str) -> Severity:
    """Return the severity of a level that is named *name*; a name of the application's has its number."""
    found = _KNOWN.get(name) or _KNOWN.get(name.lower())
    if found is not None:
        return found
    number = logging.getLevelNamesMapping().get(name.upper(), 0)
    return severity_of_number(number, name)


def severity_of_number(number: int, name: str) -> Severity:
    """Return the severity of logging's level *number*, which is called *name*."""
    key = number, name
    found = _numbered.get(key)
    if found is None:
        if len(_numbered) >= _LEVELS:
            _numbered.clear()
        found = _numbered[key] = _severity(number, name)
    return found


def _severity(number: int, name: str) -> Severity:
    known = _KNOWN.get(name.lower())
    if known is not None:
        return known
    severity = next((severity for least, severity in _STEPS if number >= least), 0)
    return Severity(severity, name.upper(), name.lower(), number)
