"""The policy: one object that everything that leaves the process passes."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction.keys import Verdict
from otel_flow.redaction.known import ENTRIES, LONGEST
from otel_flow.redaction.marks import is_mark


if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_flow.redaction.known import Known
    from otel_flow.redaction.texts import TextSearch


_REMEMBERED = frozenset({str, int, float, type(None)})
"""Not bool: ``True`` equals 1, which may be secret where ``True`` is not."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Redaction:
    """
    Masks secrets in whatever it is asked for; never raises.

    The encoders know it as `otel_flow.otlp.redactor.Redactor`. It is frozen, but for
    what it remembers of the texts and names that it has seen, within a bound.

    *verdicts* are those on names, *texts* the texts with their secrets masked, None
    where there are none, *clean* pairs of name and value that hold no secret. *asking*
    searches a text once more where a callback of the user's decides what stands for its
    secrets.
    """

    enabled: bool
    drop: bool
    verdicts: Known
    texts: Known
    search: TextSearch
    asking: TextSearch | None = None
    clean: set[tuple[str, Any]] = dataclasses.field(default_factory=set)

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
            if verdict is Verdict.SAFE:
                return value
            return (self.asking or self.search).walk().value(key, value, verdict)
        except Exception as error:
            return _failed(error)

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
        clean = self.clean
        for pair in attributes.items():
            try:
                if pair in clean:
                    continue
            except Exception:  # noqa: S110 - see below
                # Values that have no hash, such as lists, are looked at each time; so
                # are those of the application whose hash raises.
                pass
            key, value = pair
            redacted = self.attribute(key, value)
            if redacted is value:
                if type(value) in _REMEMBERED:
                    self._remember(pair)
                continue
            if changed is None:
                changed = dict(attributes)
            if redacted is DROPPED:
                del changed[key]
            else:
                changed[key] = redacted
        return attributes if changed is None else changed

    def _remember(self, pair: tuple[str, Any]) -> None:
        if len(self.clean) >= ENTRIES:
            self.clean.clear()
        if type(pair[1]) is not str or len(pair[1]) <= LONGEST:
            self.clean.add(pair)


def _failed(error: Exception) -> str:
    return f"[REDACTED:{type(error).__name__}]"
