"""A finding: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

import dataclasses

from typing import Literal

from otel_flow.settings.masking import printable


Level = Literal["ok", "note", "warning", "problem"]
"""``note`` is what may surprise, ``warning`` what is probably not wanted, ``problem`` what does not work."""

_LONGEST = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    *check* is its stable name, ``area.what``; *subject* what it was looked at for, such
    as a signal or a package, or empty. *advice* says what to do, and is empty only where
    all is well. Neither text holds secrets or control characters.
    """

    check: str
    level: Level
    subject: str
    message: str
    advice: str

    @property
    def area(self) -> str:
        """The first part of *check*."""
        return self.check.partition(".")[0]


def ok(check: str, message: str, *, subject: str = "") -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", subject, printable(message, _LONGEST), "")


def note(check: str, message: str, advice: str, *, subject: str = "") -> Finding:
    """Return what may surprise."""
    return _told(check, "note", subject, message, advice)


def warning(check: str, message: str, advice: str, *, subject: str = "") -> Finding:
    """Return what is probably not wanted."""
    return _told(check, "warning", subject, message, advice)


def problem(check: str, message: str, advice: str, *, subject: str = "") -> Finding:
    """Return what does not work."""
    return _told(check, "problem", subject, message, advice)


def _told(check: str, level: Level, subject: str, message: str, advice: str) -> Finding:
    return Finding(check, level, subject, printable(message, _LONGEST), printable(advice, _LONGEST))
