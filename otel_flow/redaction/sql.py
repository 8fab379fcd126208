"""
Literals of SQL statements that stand for a secret column, user or setting.

Read token by token: a secret name arms the literals that follow it, up to the comma,
bracket or keyword that ends its expression. The columns of an ``INSERT`` arm the
literals in their places. Parameters (``%s``, ``:name``, ``$1``) are no literals.
"""

from __future__ import annotations

import bisect
import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices
from otel_flow.redaction.keys import Verdict


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.redaction.slices import Step

    Judge = Callable[[str], Verdict]


_GATE = re.compile(
    r"\b(?:(?:insert|replace|merge)\s{1,64}+into|update\s{1,64}+\S{1,256}+\s{1,64}+set|select\s"
    r"|delete\s{1,64}+from|where\s|identified\s{1,64}+(?:with\s{1,64}+\S{1,256}+\s{1,64}+)?by"
    r"|password\s{1,64}+'"
    r"|(?:create|alter|set)\s{1,64}+(?:user|role|password|login|server|subscription))"
)
_REACH = 512
"""Characters of the longest match of it."""
STATEMENT = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.{0,2000}?\*/\s*)?(?:insert|replace|merge|update|select|delete|with|create|alter|set|call|grant|explain)\b",
    re.DOTALL,
)
"""How a text begins, in lower case, that is nothing but a statement."""

_TOKEN = re.compile(
    r"(?P<literal>[A-Za-z]?'(?:[^']++|'')*+'?|\$\$[^$]*+\$\$)"
    r"|(?P<quoted>\"[\w $.-]{1,128}\"|`[^`]*+`|\[[A-Za-z_][\w $]*+\])"
    r"|(?P<word>[^\W\d][\w$.]*+)"
    r"|(?P<number>\d[\w.]*+)"
    r"|(?P<sign>[(),;]|->>?|=)"
    r"|[^\w'\"`\[$(),;=-]++|[^\w]",
    re.DOTALL,
)
"""A token, or what lies between tokens, without a group."""
_ENDS = frozenset(
    {
        "and", "or", "where", "from", "returning", "order", "group", "limit", "select", "set",
        "on", "when", "then", "else", "end", "union", "having", "using", "join", "as", "for",
        "with", "while",
    }
)  # fmt: skip
_EQUALS = "="
_ARMING = frozenset({"identified"})

_PARAMETERS = re.compile(r"(\[parameters: )\[?\([^\n]*")
"""Positional parameters as SQLAlchemy shows them below a statement."""
_ROW = re.compile(r"(Failing row contains )\([^\n]*")
_DUPLICATE = re.compile(r"Duplicate entry '(?P<value>[^']*+)' for key '(?P<key>[^']*+)'")


_TOKENS = 8
"""Tokens that are read at one step."""


class _Reader:
    """The state of reading one text: what is armed, and where literals to mark stand."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._depth = 0
        self._armed_at: int | None = None
        self._columns: list[bool] = []
        self._collecting: int | None = None
        self._row: int | None = None
        self._place = 0
        self._insert = False
        self._before = ""
        self._literal: tuple[int, int] | None = None
        self.secrets: list[tuple[int, int]] = []
        """Where literals to mark stand, in order, each once."""

    def read(self, match: re.Match[str]) -> None:
        """Take one token."""
        kind, token = str(match.lastgroup), match.group()
        if kind == "sign":
            self._sign(token)
        elif kind in {"literal", "number"}:
            self._value(match)
        else:
            self._name(token.strip('"`[]'))
        if token != _EQUALS:
            self._literal = match.span() if kind == "literal" else None
        self._before = token

    def _name(self, name: str) -> None:
        word = name.lower()
        if self._collecting is not None:
            self._columns.append(self._is_secret(name))
        elif word == "into":
            self._insert, self._columns = True, []
            self._armed_at = None
        elif word == "values":
            self._row, self._armed_at, self._insert = self._depth + 1, None, False
        elif word in _ENDS:
            self._armed_at = None
        elif word in _ARMING or self._is_secret(name):
            self._armed_at = self._depth
            if self._before == _EQUALS and self._literal is not None:
                self._add(self._literal)

    def _is_secret(self, name: str) -> bool:
        return self._judge(name.rpartition(".")[2]) in {Verdict.SECRET, Verdict.SECRET_TEXT}

    def _value(self, match: re.Match[str]) -> None:
        in_column = self._row == self._depth and self._columns[self._place : self._place + 1]
        if self._armed_at is not None or in_column == [True]:
            self._add(match.span())
        elif self._before in {"->", "->>"} and self._is_secret(match.group().strip("'")):
            self._armed_at = self._depth

    def _add(self, span: tuple[int, int]) -> None:
        if not self.secrets or span > self.secrets[-1]:
            self.secrets.append(span)
        elif span not in self.secrets[-_TOKENS:]:
            bisect.insort(self.secrets, span)

    def _sign(self, sign: str) -> None:
        if sign == "(":
            self._depth += 1
            if self._insert:
                self._collecting, self._insert = self._depth, False
            self._place = 0 if self._row == self._depth else self._place
        elif sign == ")":
            self._close()
        elif sign == ";":
            self._armed_at = self._row = self._collecting = None
            self._columns = []
        elif sign == ",":
            if self._armed_at is not None and self._depth <= self._armed_at:
                self._armed_at = None
            if self._row == self._depth:
                self._place += 1

    def _close(self) -> None:
        if self._collecting == self._depth:
            self._collecting = None
        self._depth -= 1
        if self._armed_at is not None and self._depth < self._armed_at:
            self._armed_at = None


def may_hold_statement(low: str, step: Step) -> bool:
    """Return whether a text, *low* in lower case, has what is or holds a statement."""
    return slices.find(_GATE, low, 0, reach=_REACH, step=step) is not None


def redact_sql(text: str, judge: Judge, mark: Callable[[str, str], str], step: Step) -> str:
    """Return *text* with the literals marked that a secret name governs."""
    reader = _Reader(judge)
    for count, match in enumerate(_TOKEN.finditer(text)):
        if match.lastgroup is not None:
            reader.read(match)
        if count % _TOKENS == 0:
            step()
    shown = slices.spliced(text, _shown(text, reader.secrets, mark, step))
    step()
    return shown


def _shown(
    text: str, spans: list[tuple[int, int]], mark: Callable[[str, str], str], step: Step
) -> Iterator[tuple[int, int, str]]:
    for start, end in slices.consumed(spans):
        content = text[start:end].strip("'")
        if content:
            yield start, end, f"'{mark('', content)}'"
        step()


def redact_rows(text: str, judge: Judge, mark: Callable[[str, str], str], step: Step) -> str:
    """Return *text* without rows that databases and SQLAlchemy put into their errors."""
    if "Failing row contains" in text:
        rows = _each(_ROW, text, lambda match: match[1] + mark("row", match[0]), step)
        text = slices.spliced(text, rows)
    if "Duplicate entry" in text:
        entries = _each(_DUPLICATE, text, lambda match: _duplicate(match, judge, mark), step)
        text = slices.spliced(text, entries)
    if "[parameters: " in text and any(map(_secret(judge), _names(text, step))):
        rows = _each(
            _PARAMETERS, text, lambda match: f"{match[1]}{mark('parameters', match[0])}]", step
        )
        text = slices.spliced(text, rows)
    return text


def _each(
    pattern: re.Pattern[str], text: str, shown: Callable[[re.Match[str]], str], step: Step
) -> Iterator[tuple[int, int, str]]:
    """Yield what is shown for each match; what such an expression skips costs next to nothing."""
    for match in pattern.finditer(text):
        yield *match.span(), shown(match)
        step()


def _duplicate(match: re.Match[str], judge: Judge, mark: Callable[[str, str], str]) -> str:
    if not _secret(judge)(match["key"]):
        return match[0]
    return match[0].replace(match["value"], mark("", match["value"]), 1)


def _names(text: str, step: Step) -> Iterator[str]:
    statement = text.partition("[SQL:")[2].partition("[parameters: ")[0]
    for count, match in enumerate(_TOKEN.finditer(statement)):
        if match["word"]:
            yield match["word"]
        if count % _TOKENS == 0:
            step()


def _secret(judge: Judge) -> Callable[[str], bool]:
    return lambda name: judge(name) in {Verdict.SECRET, Verdict.SECRET_TEXT}
