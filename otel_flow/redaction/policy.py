"""The policy: one object that everything that leaves the process passes."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction.keys import Verdict
from otel_flow.redaction.known import Known
from otel_flow.redaction.marks import is_mark
from otel_flow.redaction.nested import SMALLEST_CARD


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.redaction.slices import Step
    from otel_flow.redaction.texts import TextSearch


_OPEN = Verdict.OPEN
_NEITHER = frozenset({bool, float, type(None)})
"""Types whose values are secret under a secret name only."""
_ALL = 2**63


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Redaction:
    """
    Masks secrets in whatever it is asked for; never raises.

    The encoders know it as `otel_flow.otlp.redactor.Redactor`. It is frozen, but for
    what it remembers of the texts and names that it has seen, within a bound.

    *verdicts* are those on names, *texts* the texts with their secrets masked, None
    where there are none. *asking* searches a text once more where a callback of the
    user's decides what stands for its secrets.
    """

    enabled: bool
    drop: bool
    verdicts: Known
    texts: Known
    search: TextSearch
    asking: TextSearch | None = None

    def with_steps(self, steps: Callable[[], Step]) -> Redaction:
        """
        Return the same policy for a thread that nobody waits for.

        A long text or value is searched whole there, however long that takes; *steps*
        returns what is called meanwhile, after each small piece of the work. Elsewhere
        what takes too long is cut.
        """
        if not self.enabled:
            return self
        search = self.search.with_steps(steps)
        return dataclasses.replace(
            self,
            texts=Known(search.search),
            search=search,
            asking=self.asking and self.asking.with_steps(steps),
        )

    def attribute(self, key: str, value: Any) -> Any:
        """
        Return *value* itself where nothing is masked, what replaces it, or `DROPPED`.

        Nested values are searched, too, by the names and texts in them. A secret that
        is a whole value, or stands under a secret name, is what can be dropped; inside
        a longer text it is masked.
        """
        # What values and callbacks of the application raise must not let a secret out.
        if type(value) is bool:
            return value
        try:
            verdict = self.verdicts[key]
            if verdict is Verdict.OPEN and type(value) is str:
                found = self.texts[value]
                if found is None:
                    return value
                if self.asking is None:
                    return DROPPED if self.drop and is_mark(found) else found
            if verdict is Verdict.SAFE or (verdict is Verdict.OPEN and _is_harmless(value)):
                return value
            return (self.asking or self.search).walk().value(key, value, verdict)
        except Exception as error:
            return _failed(error)

    def clear_below(self, key: str) -> int:
        """Return below which number every whole one leaves as it is under *key*."""
        verdict = self.verdicts[key]
        if verdict is Verdict.SAFE:
            return _ALL
        return SMALLEST_CARD if verdict is _OPEN else -_ALL

    def text(self, text: str) -> str:
        """Return *text* with its secrets masked: a name, a message, a log body."""
        try:
            found = self.texts[text]
            if found is None:
                return text
            return str(found if self.asking is None else self.asking.search(text) or text)
        except Exception as error:
            return _failed(error)

    def attributes(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *attributes* themselves where nothing is masked, otherwise what may leave."""
        changed: dict[str, Any] | None = None
        verdicts, texts = self.verdicts, self.texts
        for key, value in attributes.items():
            kind = type(value)
            # Most are clean, and seen to be in a look-up or two; the rest is asked about.
            with_care = True
            try:
                if verdicts[key] is _OPEN:
                    if kind is str:
                        with_care = texts[value] is not None
                    elif kind is int:
                        with_care = value >= SMALLEST_CARD
                    else:
                        with_care = kind not in _NEITHER
            except Exception:  # noqa: S110 - `attribute` meets it again, and answers for it
                pass
            if not with_care:
                continue
            redacted = self.attribute(key, value)
            if redacted is value:
                continue
            if changed is None:
                changed = dict(attributes)
            if redacted is DROPPED:
                del changed[key]
            else:
                changed[key] = redacted
        return attributes if changed is None else changed


def _is_harmless(value: Any) -> bool:
    """Return whether *value* is no secret where its name is none."""
    kind = type(value)
    return value < SMALLEST_CARD if kind is int else kind in _NEITHER


def _failed(error: Exception) -> str:
    return f"[REDACTED:{type(error).__name__}]"
