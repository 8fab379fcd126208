"""The search of one text for secrets: cheap questions first, then only what they let through."""

from __future__ import annotations

import base64
import functools
import re

from typing import TYPE_CHECKING

from otel_flow.redaction import accounts, personal, slices, sql, urls
from otel_flow.redaction.assignments import find_assigned, find_elements, find_listed
from otel_flow.redaction.escapes import decoded
from otel_flow.redaction.keyfiles import redact_private_keys
from otel_flow.redaction.marks import NAMED, is_mark
from otel_flow.redaction.reach import reach_of
from otel_flow.redaction.tokens import TokenSearch


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from otel_flow.redaction.assignments import Assigned
    from otel_flow.redaction.keys import Verdict
    from otel_flow.redaction.marks import Marks
    from otel_flow.redaction.slices import Step

    Mark = Callable[[str, str], str]


_AUTH = re.compile(
    r"(?<![A-Za-z0-9])(?P<scheme>bearer|basic)(?P<gap>(?:\s|%20|\+){1,4}+)(?=[\w.~+/%-]{6})",
    re.IGNORECASE,
)
_AUTH_TOKEN = re.compile(r"[\w.~+/%-]++=*+")
_REACH = 64
"""Characters of the longest match of `_AUTH` or of a stem, and of what must follow it."""
_WORDS = re.compile(r"[A-Za-z]?[a-z]*[.,]?|[A-Za-z]?[a-z]+(?:[-/.][a-z]+)*")
"""What follows "bearer" or "basic" in a sentence."""
_DECODINGS = 2
_SHORTEST = 13
"""Characters of the shortest secret that is known without a name: the number of a card."""


class Scanner:
    """Finds the secrets in texts; immutable, shared by threads."""

    def __init__(
        self,
        judge: Callable[[str], Verdict],
        *,
        stem: re.Pattern[str],
        options: Collection[str] = (),
        patterns: Mapping[str, re.Pattern[str]] | None = None,
    ) -> None:
        self._judge = judge
        self._stem = stem
        own = (patterns or {}).items()
        self._own = tuple((name, pattern, reach_of(pattern)) for name, pattern in own)
        self._personal = _personal(options)
        self._tokens = TokenSearch()

    @property
    def has_own_patterns(self) -> bool:
        """Whether the user has patterns of their own, which may match anything."""
        return bool(self._own)

    def may_name_secrets(self, low: str, step: Step) -> bool:
        """Return whether a text, *low* in lower case, has what is in every secret name."""
        return slices.find(self._stem, low, 0, reach=_REACH, step=step) is not None

    def scan(
        self,
        text: str,
        marks: Marks,
        *,
        key: str = "",
        code: bool = False,
        step: Step = slices.go_on,
    ) -> str:
        """
        Return *text* with *marks* for its secrets.

        *key* is the name of the attribute, *code* says that the text is source code;
        *step* is called after each small piece of work.
        """
        return _Scan(self, marks, key, step, code=code).text(text, _DECODINGS)


class _Scan:
    """One search, which knows whose value it looks at."""

    __slots__ = ("_code", "_key", "_marks", "_scanner", "_step")

    def __init__(self, scanner: Scanner, marks: Marks, key: str, step: Step, *, code: bool) -> None:
        self._scanner = scanner
        self._marks = marks
        self._key = key
        self._step = step
        self._code = code

    def text(self, text: str, decodings: int) -> str:
        if decodings and ("%" in text or "\\u" in text):
            plain = decoded(text, self._step)
            if plain != text and (redacted := self.text(plain, decodings - 1)) != plain:
                return redacted
        if len(text) >= _SHORTEST or "=" in text or ":" in text:
            if "PRIVATE" in text or "Private-" in text:
                text = redact_private_keys(text, self._mark, self._step)
            text = self._named(text)
            self._step()
            text = self._shapes(text)
        for redact in self._scanner._personal:
            text = redact(text, self._mark, self._step)
        for name, pattern, reach in self._scanner._own:
            shown = functools.partial(self._own, name)
            if reach is None:
                text = pattern.sub(shown, text)
            else:
                text = slices.replace(pattern, text, shown, reach=reach, step=self._step)
            self._step()
        return text

    def _mark(self, pattern: str, secret: str) -> str:
        return self._marks.mark(self._key, pattern, secret)

    def _own(self, name: str, match: re.Match[str]) -> str:
        """Mark what a pattern of the user's found: its group, if it has one."""
        if not match.re.groups or match[1] is None:
            return self._mark(name, match[0])
        start, end = match.span(1)
        before, after = match.string[match.start() : start], match.string[end : match.end()]
        return before + self._mark(name, match[1]) + after

    def _named(self, text: str) -> str:
        """Mark what has a name: credentials of URLs, assignments, literals and rows of SQL."""
        judge, step = self._scanner._judge, self._step
        if "@" in text and ("://" in text or "@tcp(" in text or "@unix(" in text):
            mask = functools.partial(self._marks.user_info, self._key)
            text = urls.redact_user_info(text, mask, step)
            text = urls.redact_go_dsn(text, mask, step)
        if "Failing row" in text or "Duplicate entry" in text or "[parameters: " in text:
            text = sql.redact_rows(text, judge, self._mark, step)
        low = text.lower()
        step()
        if not self._scanner.may_name_secrets(low, step):
            return text
        literals_only = self._code
        if sql.may_hold_statement(low, step):
            text = sql.redact_sql(text, judge, self._mark, step)
            literals_only = literals_only or sql.STATEMENT.match(low) is not None
        if "=" in text or ":" in text or "-" in text or "%3" in text:
            found = find_assigned(text, judge, step, literals_only=literals_only)
            text = self._replaced(text, found)
        if "</" in text:
            text = self._replaced(text, find_elements(text, judge, step))
        if "value" in text:
            text = self._replaced(text, find_listed(text, judge, step))
        return text

    def _replaced(self, text: str, found: list[Assigned]) -> str:
        replaced = slices.spliced(text, self._marked(text, found))
        self._step()
        return replaced

    def _marked(self, text: str, found: list[Assigned]) -> Iterator[tuple[int, int, str]]:
        for name, start, end, in_url in slices.consumed(found):
            mark = self._marks.in_url if in_url else self._marks.mark
            yield start, end, mark(name, NAMED, text[start:end])
            self._step()

    def _shapes(self, text: str) -> str:
        """Mark what is known by its shape: tokens and numbers."""
        step = self._step
        if "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text:
            text = slices.spliced(text, self._authorizations(text))
        text = self._scanner._tokens.redact(text, self._mark, step)
        if accounts.may_hold_numbers(text, step):
            text = accounts.redact_cards(text, self._mark, step)
            text = accounts.redact_ibans(text, self._mark, step)
        return text

    def _authorizations(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where credentials stand behind ``Bearer`` or ``Basic``, and what is shown there."""
        position = 0
        while match := slices.find(_AUTH, text, position, reach=_REACH, step=self._step):
            token = _AUTH_TOKEN.match(text, match.end())
            position = match.end() if token is None else token.end()
            scheme = match["scheme"].lower()
            if token is not None and _is_credential(scheme, token.group()):
                yield *token.span(), self._mark(scheme, token.group())
            self._step()


def _is_credential(scheme: str, token: str) -> bool:
    if is_mark(token):
        return False
    return _is_basic(token) if scheme == "basic" else not _WORDS.fullmatch(token)


def _is_basic(token: str) -> bool:
    """Return whether *token* is ``user:password`` in base 64 (RFC 7617)."""
    try:
        decoded = base64.b64decode(
            token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4),
            b"-_" if "_" in token or "-" in token else None,
            validate=True,
        )
    except ValueError:
        return False
    return b":" in decoded


def _personal(options: Collection[str]) -> tuple[Callable[[str, Mark, Step], str], ...]:
    redactions: dict[str, Callable[[str, Mark, Step], str]] = {
        "email": personal.redact_emails,
        "phone": personal.redact_phones,
        "ip": lambda text, _, step: personal.truncate_addresses(text, step),
    }
    return tuple(redact for name, redact in redactions.items() if name in options)
