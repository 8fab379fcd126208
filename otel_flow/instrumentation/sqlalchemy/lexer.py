"""
The words of a SQL statement, without its values and comments.

Where a literal ends depends on the dialect: a backslash escapes in MySQL and is a
character in PostgreSQL, ``"x"`` is a string here and a name there. Lexed by another
dialect's rules a value would turn into names, so each has its own `Grammar`; an
unknown one is read so that doubt ends the text.
"""

from __future__ import annotations

import dataclasses
import re

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal


if TYPE_CHECKING:
    from collections.abc import Iterator


Kind = Literal["word", "quoted", "value", "parameter", "space", "other"]
Token = tuple[Kind, str]

VALUE: Token = ("value", "?")
_SPACE: Token = ("space", " ")

_SPACES = frozenset({"comment", "space"})
_VALUES = frozenset({"string", "number"})
_ENDINGS = frozenset({"open", "doubt"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a dialect writes strings, names, parameters and comments."""

    backslash: bool | None = False
    """Whether a backslash escapes in strings; None where nobody knows."""
    double_quotes: Literal["name", "string", "either"] = "name"
    """What ``"x"`` is; SQLite takes it for a string where no such name exists."""
    brackets: bool = False
    """Whether ``[x]`` is a name."""
    dollar_strings: bool = False
    q_strings: bool = False
    """Whether there are Oracle's ``q'[x]'``."""
    hash_comments: bool = False
    nested_comments: bool | None = False
    """Whether comments nest; None where nobody knows."""
    numbered: str = ""
    """What a parameter with a number begins with: ``$1``, ``:1``; elsewhere 1 is a value."""
    names: str = r"[^\W\d][\w$]*"
    doubts: str = ""
    """What may begin a literal or a comment, and may not: the text ends there."""


_UNKNOWN = Grammar(
    backslash=None,
    double_quotes="either",
    nested_comments=None,
    doubts=r"\#|//|--(?!\s)|\[|[qQ]'|\$\w*\$|'''|\"\"\"",
)
_GRAMMARS = {
    "postgresql": Grammar(dollar_strings=True, nested_comments=True, numbered="$"),
    "mysql": Grammar(backslash=True, double_quotes="string", hash_comments=True),
    "sqlite": Grammar(double_quotes="either", brackets=True, numbered="?"),
    "mssql": Grammar(
        double_quotes="either",
        brackets=True,
        nested_comments=True,
        names=r"(?:\#\#?)?[^\W\d][\w$\#@]*",
    ),
    "oracle": Grammar(q_strings=True, numbered=":", names=r"[^\W\d][\w$\#]*"),
}
_SAME = {"cockroachdb": "postgresql", "redshift": "postgresql", "mariadb": "mysql"}


def grammar_of(dialect: Any) -> Grammar:
    """Return the grammar of SQLAlchemy's *dialect*, as its server is configured."""
    name = _SAME.get(dialect.name, dialect.name)
    grammar = _GRAMMARS.get(name, _UNKNOWN)
    if name in {"postgresql", "mysql"}:
        # standard_conforming_strings, NO_BACKSLASH_ESCAPES: read at the first connection.
        backslash = bool(getattr(dialect, "_backslash_escapes", grammar.backslash))
        grammar = dataclasses.replace(grammar, backslash=backslash)
    if name == "mysql" and getattr(dialect, "_server_ansiquotes", False):
        grammar = dataclasses.replace(grammar, double_quotes="name")
    return grammar


def tokens(sql: str, grammar: Grammar) -> Iterator[Token]:
    """
    Yield the tokens of *sql*; literals are `VALUE`, comments are spaces.

    A literal, a name or a comment that does not end ends the text: what follows
    may be part of it.
    """
    lex = _pattern(grammar)
    position, end = 0, len(sql)
    while position < end:
        match = lex.match(sql, position)
        assert match is not None  # the last alternative takes any character
        kind, position = match.lastgroup, match.end()
        if kind == "block":
            position = _end_of_comment(sql, position, nested=grammar.nested_comments)
            yield _SPACE
        elif kind in _ENDINGS:
            yield VALUE
            return
        elif kind == "name":
            yield "word", match[0]
        elif kind in _VALUES:
            yield VALUE
        elif kind in _SPACES:
            yield _SPACE
        else:
            yield kind, match[0]  # type: ignore[misc]


def _end_of_comment(sql: str, position: int, *, nested: bool | None) -> int:
    """Return where the comment ends that was opened before *position*."""
    depth = 1
    for match in _COMMENT_MARK.finditer(sql, position):
        if match[0] == "*/":
            depth -= 1
            if depth == 0:
                return match.end()
        elif nested is None:
            break
        elif nested:
            depth += 1
    return len(sql)


_COMMENT_MARK = re.compile(r"/\*|\*/")

_Q_STRING = r"""[nN]?[qQ]'(?:\[.*?\]'|\{.*?\}'|\(.*?\)'|<.*?>'|(?P<q>[^\s\[{(<]).*?(?P=q)')"""
_DOLLAR_STRING = r"\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$"
_TEMPLATE = r"__\[POSTCOMPILE_[^~\]]*(?:~~.*?~~REPL~~.*?~~)?\]"
"""What SQLAlchemy puts for parameters that are expanded when the statement is executed."""


def _quoted(quote: str, *, backslash: bool | None) -> str:
    """Return the pattern of what stands between two *quote*, which is doubled inside."""
    # Atomic: a text that does not end must not match up to a doubled quote.
    if backslash is None:
        return rf"{quote}(?>[^{quote}\\]*(?:{quote}{quote}[^{quote}\\]*)*){quote}"
    plain, escape = (rf"[^{quote}\\]", r"|\\.") if backslash else (f"[^{quote}]", "")
    return rf"{quote}(?>(?:{plain}|{quote}{quote}{escape})*){quote}"


def _strings(grammar: Grammar) -> Iterator[str]:
    if grammar.q_strings:
        yield _Q_STRING
    if grammar.dollar_strings:
        yield _DOLLAR_STRING
        yield rf"[eE]{_quoted(chr(39), backslash=True)}"
    yield _quoted("'", backslash=grammar.backslash)
    if grammar.double_quotes == "string":
        yield _quoted('"', backslash=grammar.backslash)


def _quoted_names(grammar: Grammar) -> Iterator[str]:
    backslash = None if grammar.backslash is None else False
    yield _quoted("`", backslash=backslash)
    if grammar.double_quotes != "string":
        yield _quoted('"', backslash=backslash)
    if grammar.brackets:
        yield r"\[(?>[^\]]*(?:\]\][^\]]*)*)\]"


def _parameters(grammar: Grammar) -> Iterator[str]:
    if grammar.numbered:
        yield rf"\{grammar.numbered}\d+"
    yield from (_TEMPLATE, r"%\([^)]*\)[sbt]", r"%[sbt]\b", r"\?", r"@@?[^\W\d]\w*")
    yield r"(?<!:):[^\W\d]\w*"
    if grammar.brackets:
        yield r"\$[^\W\d]\w*"


def _openings(grammar: Grammar) -> Iterator[str]:
    """Yield what begins a literal or a name, for where the whole of it did not match."""
    yield "['\"`]"
    if grammar.q_strings:
        yield "[qQ]'"
    if grammar.dollar_strings:
        yield r"\$(?:[^\W\d]\w*)?\$|[eE]'"
    if grammar.brackets:
        yield r"\["


@lru_cache(maxsize=32)
def _pattern(grammar: Grammar) -> re.Pattern[str]:
    dashes = r"--(?=\s|\Z)" if grammar.hash_comments else "--"
    line = r"[^\n\r]*" if grammar.dollar_strings else r"[^\n]*"
    comment = rf"{dashes}{line}" + (rf"|\#{line}" if grammar.hash_comments else "")
    alternatives = {
        "space": r"\s+",
        "doubt": grammar.doubts or r"(?!)",
        "comment": comment,
        "block": r"/\*",
        "string": "|".join(_strings(grammar)),
        "parameter": "|".join(_parameters(grammar)),
        "quoted": "|".join(_quoted_names(grammar)),
        "open": "|".join(_openings(grammar)),
        "name": grammar.names,
        # With what follows the digits: 1.5, 0xff, 1_000, 1e-9; not the E of 1E'x'.
        "number": r"\.?\d(?:[\w.](?!')|(?<=[eE])[+-](?=\d))*",
        "other": "::|.",
    }
    return re.compile(
        "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in alternatives.items()), re.DOTALL
    )
