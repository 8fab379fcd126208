"""The search of whole texts: plain ones, stack traces and JSON."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, Any

from otel_flow.redaction import documents, known, slices
from otel_flow.redaction.keys import Verdict
from otel_flow.redaction.known import Known
from otel_flow.redaction.nested import UNREAD, Walk
from otel_flow.redaction.tracebacks import is_traceback, redact_traceback


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.redaction.marks import Marks
    from otel_flow.redaction.scanner import Scanner
    from otel_flow.redaction.slices import Step


LONGEST = 64 * 1024
"""Characters of a text that are searched; what comes after them does not leave."""
_IDENTIFIER = re.compile(
    r"(?=[0-9-]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""Ids of traces, spans and requests, and times: new in each record, and none of our secrets."""
_LONGEST_IDENTIFIER = 36
_SHORTEST = 5
"""Characters of the shortest text that can hold a secret and its name: ``pin=1``."""


_KEPT = 4 * 1024
"""Characters that are kept of a text that took more steps than it may."""


def _allowance() -> Step:
    return slices.Allowance().step


class TextSearch:
    """
    Searches texts with one way to make marks; immutable but for the lines it remembers.

    *steps* returns, for each text or value that is not short, what is called after each
    small piece of the work. Here that counts, and ends what would take too long.
    """

    __slots__ = ("_code", "_drop", "_judge", "_scanner", "_skips", "_steps", "marks")

    def __init__(
        self,
        scanner: Scanner,
        judge: Callable[[str], Verdict],
        marks: Marks,
        *,
        drop: bool,
        steps: Callable[[], Step] = _allowance,
    ) -> None:
        self.marks = marks
        self._scanner = scanner
        self._judge = judge
        self._drop = drop
        self._steps = steps
        self._skips = not scanner.has_own_patterns
        self._code = Known(self._search_code)

    def with_steps(self, steps: Callable[[], Step]) -> TextSearch:
        """Return the same search with other *steps*."""
        return TextSearch(self._scanner, self._judge, self.marks, drop=self._drop, steps=steps)

    def walk(self) -> Walk:
        """Return a way through one nested value."""
        return self._walk(self._steps())

    def _walk(self, step: Step) -> Walk:
        def search(text: str, key: str) -> str | None:
            try:
                return self._search(text, key, step)
            except slices.Exhausted:
                return UNREAD

        return Walk(self._judge, search, self.marks, drop=self._drop, step=step)

    def search(self, text: str, key: str = "") -> str | None:
        """Return *text*, the value of *key*, with its secrets masked; None where it has none."""
        if len(text) <= slices.SHORT:
            return self._search(text, key, slices.go_on)
        try:
            return self._search(text, key, self._steps())
        except slices.Exhausted:
            cut = text[:_KEPT]
            return (self._search(cut, key, slices.go_on) or cut) + _cut_mark(text)

    def _search(self, text: str, key: str, step: Step) -> str | None:
        if len(text) < _SHORTEST or (self._skips and _is_identifier(text)):
            return None
        cut = text[:LONGEST]
        if is_traceback(cut):
            redacted = self._traceback(cut, step)
        else:
            redacted = self._document(cut, step) or self._scanner.scan(
                cut, self.marks, key=key, step=step
            )
        if len(text) > LONGEST:
            redacted += _cut_mark(text)
        return None if redacted == text else redacted

    def _traceback(self, text: str, step: Step) -> str:
        def code(line: str) -> str:
            if line not in self._code:
                step()
            if len(line) <= known.LONGEST:
                return str(self._code[line])
            return self._scanner.scan(line, self.marks, code=True, step=step)

        def message(part: str) -> str:
            return self._search(part, "", step) or part

        return redact_traceback(text, code=code, text_of=message, step=step)

    def _search_code(self, line: str) -> str:
        return self._scanner.scan(line, self.marks, code=True)

    def _document(self, text: str, step: Step) -> str | None:
        """Return the JSON in *text* with its secrets masked, None where it has none or is none."""
        if not documents.may_be_one(text):
            return None
        if "\\u" not in text and not self._scanner.may_name_secrets(text.lower(), step):
            return None
        try:
            document: Any = documents.read(text, step)
        except (ValueError, RecursionError):
            return None
        redacted = self._walk(step).value("", document, Verdict.OPEN)
        changed = redacted is not document and isinstance(redacted, dict | list)
        written = documents.write(redacted, step, size=len(text)) if changed else None
        if len(text) > slices.SHORT:
            documents.free(document, step)
            documents.free(redacted, step)
        return written


def _is_identifier(text: str) -> bool:
    return len(text) <= _LONGEST_IDENTIFIER and _IDENTIFIER.fullmatch(text) is not None


def _cut_mark(text: str) -> str:
    return f"<cut: {len(text)} characters>"
