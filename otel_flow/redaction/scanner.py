"""The search of one text for secrets: cheap questions first, then only what they let through."""

from __future__ import annotations

import base64
import functools
import re

from typing import TYPE_CHECKING
from urllib.parse import unquote

from otel_flow.redaction import accounts, personal, sql, urls
from otel_flow.redaction.assignments import find_assigned, find_elements, find_listed
from otel_flow.redaction.marks import NAMED, is_mark
from otel_flow.redaction.tokens import TELEGRAM, TOKEN_PATTERNS, compile_tokens, token_replacer
from otel_flow.redaction.words import STEM


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from otel_flow.redaction.assignments import Assigned
    from otel_flow.redaction.keys import Verdict
    from otel_flow.redaction.marks import Marks

    Mark = Callable[[str, str], str]


_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
"""A private key, also one that was cut."""
_PUTTY = re.compile(r"(Private-Lines: \d+)(?:\r?\n|\\n).*?(?=Private-MAC|\Z)", re.DOTALL)
_AUTH = re.compile(
    r"(?<![A-Za-z0-9])(?P<scheme>bearer|basic)(?P<gap>(?:\s|%20|\+){1,4}+)(?P<token>[\w.~+/%-]{6,}+=*+)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z]?[a-z]*[.,]?|[A-Za-z]?[a-z]+(?:[-/.][a-z]+)*")
"""What follows "bearer" or "basic" in a sentence."""
_ESCAPED = re.compile(r"%(?:3[ADad]|2[2Ff]|40|20)")
_UNICODE = re.compile(r"\\+u00([2-7][0-9A-Fa-f])")
_DECODINGS = 2
_SHORTEST = 13
"""Characters of the shortest secret that is known without a name: the number of a card."""


class Scanner:
    """Finds the secrets in texts; immutable, shared by threads."""

    def __init__(
        self,
        judge: Callable[[str], Verdict],
        *,
        options: Collection[str] = (),
        patterns: Mapping[str, re.Pattern[str]] | None = None,
    ) -> None:
        self._judge = judge
        self._own = tuple((patterns or {}).items())
        self._personal = _personal(options)
        self._tokens = compile_tokens(TOKEN_PATTERNS)

    @property
    def has_own_patterns(self) -> bool:
        """Whether the user has patterns of their own, which may match anything."""
        return bool(self._own)

    def scan(self, text: str, marks: Marks, *, key: str = "", code: bool = False) -> str:
        """
        Return *text* with *marks* for its secrets.

        *key* is the name of the attribute, *code* says that the text is source code.
        """
        return _Scan(self, marks, key, code=code).text(text, _DECODINGS)


class _Scan:
    """One search, which knows whose value it looks at."""

    __slots__ = ("_code", "_key", "_marks", "_scanner")

    def __init__(self, scanner: Scanner, marks: Marks, key: str, *, code: bool) -> None:
        self._scanner = scanner
        self._marks = marks
        self._key = key
        self._code = code

    def text(self, text: str, decodings: int) -> str:
        if decodings and ("%" in text or "\\u" in text):
            decoded = _decoded(text)
            if decoded != text and (redacted := self.text(decoded, decodings - 1)) != decoded:
                return redacted
        if len(text) >= _SHORTEST or "=" in text or ":" in text:
            if "PRIVATE" in text or "Private-" in text:
                text = _PEM.sub(lambda match: self._mark("private_key", match[0]), text)
                text = _PUTTY.sub(
                    lambda match: match[1] + self._mark("private_key", match[0]), text
                )
            text = self._named(text)
            text = self._shapes(text)
        for redact in self._scanner._personal:
            text = redact(text, self._mark)
        for name, pattern in self._scanner._own:
            text = pattern.sub(functools.partial(self._own, name), text)
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
        scanner = self._scanner
        if "@" in text and ("://" in text or "@tcp(" in text or "@unix(" in text):
            mask = functools.partial(self._marks.user_info, self._key)
            text = urls.redact_go_dsn(urls.redact_user_info(text, mask), mask)
        if "Failing row" in text or "Duplicate entry" in text or "[parameters: " in text:
            text = sql.redact_rows(text, scanner._judge, self._mark)
        low = text.lower()
        if STEM.search(low) is None:
            return text
        literals_only = self._code
        if sql.GATE.search(low):
            text = sql.redact_sql(text, scanner._judge, self._mark)
            literals_only = literals_only or sql.STATEMENT.match(low) is not None
        if "=" in text or ":" in text or "-" in text or "%3" in text:
            found = find_assigned(text, scanner._judge, literals_only=literals_only)
            text = self._replaced(text, found)
        if "</" in text:
            text = self._replaced(text, find_elements(text, scanner._judge))
        if "value" in text:
            text = self._replaced(text, find_listed(text, scanner._judge))
        return text

    def _replaced(self, text: str, found: list[Assigned]) -> str:
        pieces = []
        position = 0
        marks = self._marks
        for name, start, end, in_url in found:
            mark = marks.in_url if in_url else marks.mark
            pieces += [text[position:start], mark(name, NAMED, text[start:end])]
            position = end
        return "".join((*pieces, text[position:])) if found else text

    def _shapes(self, text: str) -> str:
        """Mark what is known by its shape: tokens and numbers."""
        scanner = self._scanner
        if "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text:
            text = _AUTH.sub(self._authorization, text)
        if scanner._tokens.search(text):
            text = scanner._tokens.sub(token_replacer(self._mark), text)
        if ":AA" in text:
            text = TELEGRAM.sub(lambda match: self._mark("telegram_token", match[0]), text)
        if accounts.GATE.search(text):
            text = accounts.redact_cards(text, self._mark)
            text = accounts.redact_ibans(text, self._mark)
        return text

    def _authorization(self, match: re.Match[str]) -> str:
        token = match["token"]
        scheme = match["scheme"].lower()
        is_secret = _is_basic(token) if scheme == "basic" else not _WORDS.fullmatch(token)
        if not is_secret or is_mark(token):
            return match[0]
        return f"{match['scheme']}{match['gap']}{self._mark(scheme, token)}"


def _decoded(text: str) -> str:
    """Return *text* without the escapes of URLs and JSON that can hide a name or a token."""
    if _ESCAPED.search(text):
        text = unquote(text)
    return _UNICODE.sub(lambda match: chr(int(match[1], 16)), text)


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


def _personal(options: Collection[str]) -> tuple[Callable[[str, Mark], str], ...]:
    redactions = {
        "email": personal.redact_emails,
        "phone": personal.redact_phones,
        "ip": lambda text, _: personal.truncate_addresses(text),
    }
    return tuple(redact for name, redact in redactions.items() if name in options)
