"""
The operations and tables of a SQL statement, in their order.

No parser: keywords say where a table's name can stand, parentheses which SELECT a
FROM belongs to. What is not understood gives a shorter summary, never a wrong name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.instrumentation.sqlalchemy import keywords


if TYPE_CHECKING:
    from otel_flow.instrumentation.sqlalchemy.lexer import Token


class _Level:
    """What is between two parentheses: whether it has an operation, and where a table is due."""

    __slots__ = ("common", "expecting", "listing", "modifiers", "operation", "single")

    def __init__(self, *, expecting: bool = False) -> None:
        self.operation = False
        self.listing = expecting
        self.expecting = expecting
        self.single = False
        self.common = False
        self.modifiers = keywords.FROM_MODIFIERS


class Reader:
    """
    Reads a statement's significant tokens once.

    Afterwards `operation` is the main one, `tables` those named, `parts` the summary,
    and `names` the positions of the tokens that the tables' names are made of.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._words = [text.upper() if kind == "word" else text for kind, text in tokens]
        self._position = 0
        self._levels = [_Level()]
        self._common: set[str] = set()
        self._main: str | None = None
        self._first: str | None = None
        self.tables: list[str] = []
        self.parts: list[str] = []
        self.names: set[int] = set()

    @property
    def operation(self) -> str | None:
        """The operation of the statement itself, not of a common table or a subquery before it."""
        return self._main or self._first

    def read(self) -> None:
        """Read all tokens."""
        starting = True
        while self._position < len(self._tokens):
            kind, text = self._tokens[self._position]
            word = self._words[self._position]
            if text == ";":
                self._levels = [_Level()]
                starting = True
                self._position += 1
            elif kind == "word" and starting and text != "(":
                starting = False
                self._start(word)
            else:
                self._step(kind, word)

    def _start(self, word: str) -> None:
        """Read the first word of a statement."""
        if word in keywords.OPERATIONS or word == "WITH":
            self._step("word", word)
        elif word in keywords.PREFIXES:
            self._operate(self._position)
            self._position += 1
        elif word in keywords.DEFINITIONS:
            self._define()
        elif word in keywords.CALLS or word in keywords.ONE_TABLE:
            self._operate(self._position)
            self._position += 1
            self._skip(keywords.MODIFIERS)
            if name := self._name(function=True):
                self.parts.append(name)
                if word in keywords.ONE_TABLE:
                    self.tables.append(name)
            self._skip_statement()
        else:
            self._operate(self._position)
            self._skip_statement()

    def _define(self) -> None:
        """Read CREATE, ALTER or DROP with what it defines; a query in it is read on."""
        begin = self._position
        end = begin + 1
        while end < len(self._words) and self._words[end] not in keywords.DEFINED:
            if self._words[end] == ";":
                break
            end += 1
        found = end < len(self._words) and self._words[end] in keywords.DEFINED
        verb, defined = self._tokens[begin][1], self._words[end] if found else ""
        operation = f"{verb} {self._tokens[end][1]}" if found else verb
        self._add_operation(operation)
        self._position = end + found
        self._skip(keywords.MODIFIERS)
        name = self._name(function=True) if found else None
        if name:
            self.parts.append(name)
            if defined in keywords.WITH_TABLES:
                self.tables.append(name)
        if defined in keywords.WITH_TABLES:
            self._skip_to_query()
        else:
            self._skip_statement()

    def _step(self, kind: str, word: str) -> None:
        level = self._levels[-1]
        if word == "(" and kind == "other":
            self._levels.append(_Level(expecting=level.expecting))
            level.expecting = False
        elif word == ")" and kind == "other":
            if len(self._levels) > 1:
                self._levels.pop()
        elif word == "," and kind == "other":
            level.expecting = level.listing or level.common
            level.single, level.modifiers = False, keywords.FROM_MODIFIERS
        elif kind == "word" and self._is_operation(word):
            self._begin_operation(word)
            return
        elif kind == "word" and self._keyword(level, word):
            pass
        elif level.expecting and kind in {"word", "quoted"}:
            self._table(level)
            return
        else:
            level.expecting = False
        self._position += 1

    def _keyword(self, level: _Level, word: str) -> bool:
        """Take *word* if it says where tables stand; return whether it does."""
        if self._before() == ".":
            return False
        if word == "WITH":
            level.common = level.expecting = self._defines_common_table()
        elif (word == "FROM" and not (level.operation and self._before() != "DISTINCT")) or (
            word == "USING" and self._word(1) == "("
        ):
            level.expecting = False
        elif word in keywords.LISTS:
            level.listing = level.expecting = level.operation
            level.single, level.modifiers = False, keywords.FROM_MODIFIERS
        elif word in keywords.SINGLES:
            level.expecting, level.single = True, word == "INTO"
            level.modifiers = keywords.MODIFIERS if word == "INTO" else keywords.FROM_MODIFIERS
        elif word in keywords.ENDS:
            level.listing = level.expecting = False
        else:
            return False
        return True

    def _is_operation(self, word: str) -> bool:
        if word not in keywords.OPERATIONS or self._before() == ".":
            return False
        if word == "SELECT":
            return True
        if word in keywords.FUNCTIONS and self._word(1) == "(":
            return False
        return self._before() not in keywords.CLAUSE_BEFORE

    def _begin_operation(self, word: str) -> None:
        level = self._levels[-1]
        level.operation, level.common, level.listing = True, False, False
        self._operate(self._position)
        self._position += 1
        # DELETE FROM t, and DELETE t: either way a name is due next.
        level.expecting = word != "SELECT"
        level.single = word in {"INSERT", "REPLACE", "MERGE"}
        level.listing = word in {"UPDATE", "DELETE", "TRUNCATE"}
        level.modifiers = keywords.MODIFIERS

    def _table(self, level: _Level) -> None:
        """Read a name where one is due: a table, or the name of a common table."""
        level.expecting = False
        if level.common:
            word = self._words[self._position]
            level.expecting = word in keywords.NO_COMMON_TABLE
            self._common.add(word)
            self._position += 1
            return
        self._skip(level.modifiers)
        if self._word(0) in keywords.NO_TABLE or self._kind(0) not in {"word", "quoted"}:
            # LATERAL (SELECT …): a table is still due.
            level.expecting = self._word(0) == "("
            self._position += self._word(0) in keywords.NO_TABLE
        elif name := self._name(function=level.single):
            self.tables.append(name)
            self.parts.append(name)

    def _name(self, *, function: bool) -> str | None:
        """
        Read a name with its schema; None where it is no table's.

        With *function* a parenthesis after it makes no function of it: INTO t (a).
        """
        begin = self._position
        while self._kind(0) in {"word", "quoted"}:
            self._position += 1
            if self._word(0) != "." or self._kind(1) not in {"word", "quoted"}:
                break
            self._position += 1
        if begin == self._position:
            return None
        if self._word(0) == "(" and not function:
            return None
        if self._position == begin + 1 and self._words[begin] in self._common:
            return None
        self.names.update(range(begin, self._position))
        return "".join(text for _, text in self._tokens[begin : self._position])

    def _skip(self, modifiers: frozenset[str]) -> None:
        """Go past *modifiers*, as long as something follows that may be a name."""
        while self._word(0) in modifiers:
            following = self._word(1)
            if following in keywords.ENDS or following in keywords.NO_TABLE - {"ROWS"}:
                return
            parenthesis = following == "(" and self._word(0) in keywords.FROM_MODIFIERS
            if not parenthesis and self._kind(1) not in {"word", "quoted"}:
                return
            self._position += 1

    def _defines_common_table(self) -> bool:
        """Whether WITH begins a list of common tables: WITH [RECURSIVE] name [(…)] AS."""
        ahead = 2 if self._word(1) == "RECURSIVE" else 1
        return (
            self._kind(ahead) in {"word", "quoted"}
            and self._word(ahead) not in keywords.NO_COMMON_TABLE
            and self._word(ahead + 1) in {"AS", "("}
        )

    def _skip_to_query(self) -> None:
        """Go on to the query that a table or a view is made from, past columns and options."""
        depth = 0
        while (word := self._word(0)) and word != ";":
            if depth == 0 and word == "AS":
                return
            depth += (word == "(") - (word == ")")
            self._position += 1

    def _skip_statement(self) -> None:
        while (word := self._word(0)) and word != ";":
            self._position += 1

    def _operate(self, position: int) -> None:
        self._add_operation(self._tokens[position][1])

    def _add_operation(self, operation: str) -> None:
        self.parts.append(operation)
        if self._first is None:
            self._first = operation
        if self._main is None and len(self._levels) == 1:
            self._main = operation

    def _before(self) -> str:
        return self._words[self._position - 1] if self._position else ""

    def _word(self, ahead: int) -> str:
        position = self._position + ahead
        return self._words[position] if position < len(self._words) else ""

    def _kind(self, ahead: int) -> str:
        position = self._position + ahead
        return self._tokens[position][0] if position < len(self._tokens) else ""
