"""The search of whole texts: plain ones, stack traces and JSON."""

from __future__ import annotations

import json
import re

from typing import TYPE_CHECKING, Any

from otel_flow.redaction.keys import Verdict
from otel_flow.redaction.known import Known
from otel_flow.redaction.nested import Walk
from otel_flow.redaction.tracebacks import is_traceback, redact_traceback
from otel_flow.redaction.words import STEM


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.redaction.marks import Marks
    from otel_flow.redaction.scanner import Scanner


LONGEST = 64 * 1024
"""Characters of a text that are searched; what comes after them does not leave."""
_IDENTIFIER = re.compile(
    r"(?=[0-9-]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""Ids of traces, spans and requests, and times: new in each record, and none of our secrets."""
_SHORTEST = 5
"""Characters of the shortest text that can hold a secret and its name: ``pin=1``."""


class TextSearch:
    """Searches texts with one way to make marks; immutable but for the lines it remembers."""

    __slots__ = ("_code", "_drop", "_judge", "_scanner", "_skips", "marks")

    def __init__(
        self, scanner: Scanner, judge: Callable[[str], Verdict], marks: Marks, *, drop: bool
    ) -> None:
        self.marks = marks
        self._scanner = scanner
        self._judge = judge
        self._drop = drop
        self._skips = not scanner.has_own_patterns
        self._code = Known(self._search_code)

    def walk(self) -> Walk:
        """Return a way through one nested value."""
        return Walk(self._judge, self.search, self.marks, drop=self._drop)

    def search(self, text: str, key: str = "") -> str | None:
        """Return *text*, the value of *key*, with its secrets masked; None where it has none."""
        if len(text) < _SHORTEST or (self._skips and _IDENTIFIER.fullmatch(text)):
            return None
        cut = text[:LONGEST]
        if is_traceback(cut):
            redacted = redact_traceback(
                cut, code=self._code.__getitem__, text_of=lambda part: self.search(part) or part
            )
        else:
            redacted = self._document(cut) or self._scanner.scan(cut, self.marks, key=key)
        if len(text) > LONGEST:
            redacted += f"<cut: {len(text)} characters>"
        return None if redacted == text else redacted

    def _search_code(self, line: str) -> str:
        return self._scanner.scan(line, self.marks, code=True)

    def _document(self, text: str) -> str | None:
        """Return the JSON in *text* with its secrets masked, None where it has none or is none."""
        if not text.lstrip().startswith(("{", "[")):
            return None
        if "\\u" not in text and STEM.search(text.lower()) is None:
            return None
        try:
            document: Any = json.loads(text)
        except (ValueError, RecursionError):
            return None
        redacted = self.walk().value("", document, Verdict.OPEN)
        if redacted is document or not isinstance(redacted, dict | list):
            return None
        return json.dumps(redacted, ensure_ascii=False, default=str)
