"""What a SQL statement does, read from its text without its values."""

from __future__ import annotations

import dataclasses
import hashlib

from typing import TYPE_CHECKING

from otel_flow.instrumentation.sqlalchemy.lexer import VALUE, tokens
from otel_flow.instrumentation.sqlalchemy.summary import Reader


if TYPE_CHECKING:
    from otel_flow.instrumentation.sqlalchemy.lexer import Grammar, Token


MAX_TEXT = 4096
"""Characters of a statement that are kept; generated ones reach megabytes."""

MAX_READ = 2 * MAX_TEXT
"""Characters that are read, once a statement: some milliseconds of somebody's event loop."""

_MAX_SUMMARY = 255
"""The bound that the semantic conventions set for ``db.query.summary``."""

_BOOLEANS = frozenset({"TRUE", "FALSE"})
_PLACEHOLDERS = frozenset({"value", "parameter"})
_BEFORE_NAME = frozenset({"AS", "."})
_UNQUOTED_NEXT = "IDENTIFIED BY"


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """Operation, table, summary and text of one statement, none of its literals among them."""

    operation: str | None
    collection: str | None
    """The table, as the statement has it; None where there is none or several."""
    summary: str
    text: str
    fingerprint: str
    """Sixteen hexadecimal digits, equal for statements that differ in values only."""


def analyse(sql: str, grammar: Grammar) -> Statement:
    """
    Return what *sql* does (semantic conventions: database client spans).

    Literals become ``?``, comments go, parameters stay as they are, lists of values
    after IN are one ``?``. Operations and tables are as the statement has them, in
    their order.
    """
    found = list(tokens(sql[:MAX_READ], grammar))
    significant = [token for token in found if token[0] != "space"]
    reader = Reader(significant)
    reader.read()
    kept = None if grammar.double_quotes == "name" else reader.names
    shown = _without_values(found, significant, kept)
    text = "".join(text for _, text in _collapsed(shown)).strip()
    return Statement(
        operation=reader.operation,
        collection=reader.tables[0] if len(set(reader.tables)) == 1 else None,
        summary=_cut(reader.parts),
        text=text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…",
        fingerprint=_fingerprint(shown),
    )


def _without_values(
    found: list[Token], significant: list[Token], kept: set[int] | None
) -> list[Token]:
    """
    Return *found* with what may be a value replaced, and one space where there were several.

    *kept* are the positions of names among the *significant*; a double-quoted word
    that is none of them may be a string. None where such a word is always a name.
    """
    shown: list[Token] = []
    position = -1
    before = ""
    for token in found:
        if token[0] == "space":
            if shown and shown[-1][0] != "space":
                shown.append(token)
            continue
        position += 1
        word = token[1].upper()
        after = significant[position + 1][1] if position + 1 < len(significant) else ""
        is_name = kept is None or position in kept or before in _BEFORE_NAME or after == "."
        shown.append(VALUE if _may_be_value(token[0], word, before, is_name=is_name) else token)
        before = _UNQUOTED_NEXT if word == "BY" and before == "IDENTIFIED" else word
    return shown


def _may_be_value(kind: str, word: str, before: str, *, is_name: bool) -> bool:
    if kind == "word":
        # CREATE USER … IDENTIFIED BY has the password without quotes.
        return word in _BOOLEANS or before == _UNQUOTED_NEXT
    return kind == "quoted" and word[0] == '"' and not is_name


def _collapsed(shown: list[Token]) -> list[Token]:
    """Return *shown* with a list of placeholders after IN as a single one."""
    result: list[Token] = []
    position = 0
    while position < len(shown):
        result.append(shown[position])
        position += 1
        if result[-1][1].upper() != "IN" or result[-1][0] != "word":
            continue
        end = _list_end(shown, position)
        if end is not None:
            result += [("space", " "), ("other", "("), VALUE, ("other", ")")]
            position = end
    return result


def _list_end(shown: list[Token], position: int) -> int | None:
    """Return where a parenthesised list of two or more placeholders ends, if one begins here."""
    count, opened = 0, False
    for index in range(position, len(shown)):
        kind, text = shown[index]
        if kind == "space" or (opened and text == ","):
            continue
        if not opened and text == "(":
            opened = True
        elif opened and kind in _PLACEHOLDERS:
            count += 2 if text.startswith("__[") else 1
        elif opened and text == ")" and count > 1:
            return index + 1
        else:
            return None
    return None


def _fingerprint(shown: list[Token]) -> str:
    """Return what statements have in common that differ in values and their number."""
    parts: list[str] = []
    for kind, text in shown:
        if kind == "space":
            continue
        parts.append("?" if kind in _PLACEHOLDERS else text)
        if parts[-3:] == ["?", ",", "?"]:
            del parts[-2:]
        elif parts[-7:] == ["(", "?", ")", ",", "(", "?", ")"]:
            del parts[-4:]
    return hashlib.blake2s(" ".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _cut(parts: list[str]) -> str:
    """Return the summary, cut between two of its *parts* where it is too long."""
    summary = ""
    for part in parts:
        longer = f"{summary} {part}" if summary else part
        if len(longer) > _MAX_SUMMARY:
            break
        summary = longer
    return summary
