"""
Names of attributes, fields and parameters whose values are secret.

A name is taken apart into words, however it is spelled: ``dbPassword``, ``DB_PASSWORD``,
``db-password`` and ``db.password`` are the same two. So ``author`` is not ``auth`` and
``monkey`` no ``key``. As in English, the last word says what a name stands for:
``token_count`` is a count, ``password_reset_url`` a URL.
"""

from __future__ import annotations

import enum
import fnmatch
import re

from typing import TYPE_CHECKING

from otel_flow.redaction.words import (
    CONVENTIONAL,
    ENDINGS,
    HARMLESS,
    NEUTRAL,
    NUMERIC,
    PAGE_TOKENS,
    SEQUENCES,
    STEM,
    STRONG,
    WEAK,
)


if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(enum.Enum):
    """What a name says of its value."""

    OPEN = "open"
    """Nothing: the value is searched for secrets."""
    SECRET = "secret"  # noqa: S105 - a verdict, no password
    """The value is secret, also as a number."""
    SECRET_TEXT = "secret text"  # noqa: S105 - as above
    """The value is secret unless it is a number, such as a count of tokens."""
    SAFE = "safe"
    """The value is never redacted: the user says so."""


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_SEQUENCES = frozenset(SEQUENCES)
_LENGTHS = sorted({len(sequence) for sequence in SEQUENCES})
_COUNT = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]+)?")
_LONGEST = 256
"""Characters of a name that are read."""
_STEM = 32


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of *name* in lower case and singular."""
    return tuple(_singular(word) for word in _WORD.findall(name[-_LONGEST:]))


def _singular(word: str) -> str:
    word = word.lower()
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))  # noqa: PLR2004 - such as "gas"
    return word[:-1] if is_plural else word


def is_count(text: str) -> bool:
    """Return whether *text* is a number that is written out, such as a count of tokens."""
    return _COUNT.fullmatch(text) is not None


def looks_secret(name: str) -> bool:
    """Return whether *name* says that its value is a secret."""
    return judge(name) is not Verdict.OPEN


def judge(name: str) -> Verdict:
    """Return what *name* says of its value, by the patterns that are built in."""
    if STEM.search(name.lower()) is None or name in CONVENTIONAL:
        return Verdict.OPEN
    words = words_of(name)
    end = _strong_end(words)
    if end is not None:
        harmless = end < len(words) and words[-1] in HARMLESS
        return Verdict.OPEN if harmless else Verdict.SECRET
    return _weak(name, words)


def _strong_end(words: tuple[str, ...]) -> int | None:
    """Return where the last strong word or sequence ends, None where there is none."""
    for end in range(len(words), 0, -1):
        word = words[end - 1]
        if word in STRONG or (word.endswith(ENDINGS) and word not in WEAK):
            return end
        for length in _LENGTHS:
            if words[max(0, end - length) : end] in _SEQUENCES:
                return end
    return None


def _weak(name: str, words: tuple[str, ...]) -> Verdict:
    end = len(words)
    while end and (words[end - 1] in NEUTRAL or words[end - 1].isdigit()):
        if words[end - 1] in WEAK:
            break
        end -= 1
    word = words[end - 1] if end else ""
    if word not in WEAK:
        return Verdict.OPEN
    if word == "token" and end > 1 and words[end - 2] in PAGE_TOKENS:
        return Verdict.OPEN
    plural = name.rstrip("0123456789_.-").lower().endswith("s") and not word.endswith("s")
    return Verdict.SECRET if word in NUMERIC and not plural else Verdict.SECRET_TEXT


class KeyPolicy:
    """The verdicts on names: the user's own first, then those that are built in."""

    __slots__ = ("_safe", "_secret", "stem")

    def __init__(self, secret: Iterable[str] = (), safe: Iterable[str] = ()) -> None:
        self._secret = tuple(map(_Named, secret))
        self._safe = tuple(map(_Named, safe))
        stems = [STEM.pattern, *(named.stem for named in self._secret)]
        self.stem = re.compile("|".join(stems))
        """What is in every name, in lower case, that can be secret."""

    def __call__(self, name: str) -> Verdict:
        """Return the verdict on *name*."""
        if self._safe or self._secret:
            words = words_of(name)
            if any(named.equals(name, words) for named in self._safe):
                return Verdict.SAFE
            if any(named.occurs_in(name, words) for named in self._secret):
                return Verdict.SECRET
        return judge(name)


class _Named:
    """A name as a user gives it: words in any spelling, or with ``*`` a pattern of the whole."""

    __slots__ = ("_pattern", "_words")

    def __init__(self, name: str) -> None:
        self._words = words_of(name)
        self._pattern = fnmatch.translate(name.lower()) if "*" in name else None

    @property
    def stem(self) -> str:
        """Return an expression for what is in every name, in lower case, that may be this one."""
        if self._pattern is not None or not self._words:
            return ""
        return re.escape(self._words[0][:_STEM])

    def equals(self, name: str, words: tuple[str, ...]) -> bool:
        """Return whether *name* is this one."""
        if self._pattern is not None:
            return re.match(self._pattern, name.lower()) is not None
        return words == self._words

    def occurs_in(self, name: str, words: tuple[str, ...]) -> bool:
        """Return whether *name* is this one or holds its words in a row."""
        if self._pattern is not None or not self._words:
            return self.equals(name, words)
        size = len(self._words)
        return any(words[at : at + size] == self._words for at in range(len(words) - size + 1))
