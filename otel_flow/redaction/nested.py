"""The way through one nested value, by the names and texts in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction import accounts
from otel_flow.redaction.keys import Verdict, is_count
from otel_flow.redaction.marks import NAMED, is_mark
from otel_flow.redaction.slices import Exhausted


if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from otel_flow.redaction.marks import Marks
    from otel_flow.redaction.slices import Step


_DEPTH = 16
_ELEMENTS = 10_000
SMALLEST_CARD = 10**12
"""Smaller whole numbers hold no secret but under a secret name."""
_SECRET = frozenset({Verdict.SECRET, Verdict.SECRET_TEXT})
_SCALARS = (bool, float, type(None))
_PAIR = 2

UNREAD = "[REDACTED:unread]"
"""What stands for values that are nested too deep or too many to be searched."""


class Walk:
    """
    One nested value on its way; counts its elements, so that cycles come to an end.

    Whatever holds no secret is returned itself. *search* returns a text with its
    secrets marked, None where there are none; *judge* the verdict on a name; *step* is
    called for each text and container, and may end the way by `Exhausted`.
    """

    __slots__ = ("_drop", "_judge", "_left", "_marks", "_search", "_step")

    def __init__(
        self,
        judge: Callable[[str], Verdict],
        search: Callable[[str, str], str | None],
        marks: Marks,
        *,
        drop: bool,
        step: Step,
    ) -> None:
        self._step = step
        self._judge = judge
        self._search = search
        self._marks = marks
        self._drop = drop
        self._left = _ELEMENTS

    def value(self, key: str, value: Any, verdict: Verdict, depth: int = _DEPTH) -> Any:
        """Return what may leave of *value* under *key*, on whose name *verdict* was given."""
        if verdict is Verdict.SAFE or value is None or isinstance(value, bool):
            return value
        if verdict in _SECRET:
            return self._secret(key, value, verdict, depth)
        self._left -= 1
        if isinstance(value, int):
            return self._whole(key, value)
        if isinstance(value, _SCALARS):
            return value
        return self._long(key, value, verdict, depth)

    def _long(self, key: str, value: Any, verdict: Verdict, depth: int) -> Any:
        """Return a text or a container, which may have more in it than can be looked at."""
        try:
            self._step()
        except Exhausted:
            return UNREAD
        if isinstance(value, str):
            return self._text(key, value)
        return self._container(key, value, verdict, depth)

    def _secret(self, key: str, value: Any, verdict: Verdict, depth: int) -> Any:
        if verdict is Verdict.SECRET_TEXT and _is_count(value):
            return value
        if self._drop:
            return DROPPED
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._container(key, value, verdict, depth)
        if isinstance(value, bytes | bytearray | memoryview):
            value = bytes(value).decode("utf-8", "replace")
        text = str(value)
        return self._marks.mark(key, NAMED, text) if text else value

    def _text(self, key: str, value: str) -> Any:
        found = self._search(value, key)
        if found is None:
            return value
        return DROPPED if self._drop and is_mark(found) else found

    def _whole(self, key: str, value: int) -> Any:
        """Return a whole number, which may be that of a card."""
        if value < SMALLEST_CARD or not accounts.is_card(str(value)):
            return value
        return DROPPED if self._drop else self._marks.mark(key, "card_number", str(value))

    def _container(self, key: str, value: Any, verdict: Verdict, depth: int) -> Any:
        if depth <= 0 or self._left <= 0:
            return UNREAD
        if isinstance(value, Mapping):
            return self._mapping(value, verdict, depth - 1)
        if isinstance(value, list | tuple | set | frozenset):
            return self._sequence(key, value, verdict, depth - 1)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(key, value)
        text = str(value)
        found = self._text(key, text)
        return value if found is text else found

    def _mapping(self, values: Mapping[Any, Any], outer: Verdict, depth: int) -> Any:
        kept: dict[Any, Any] = {}
        changed = False
        named = _named_by_value(values)
        for key, value in values.items():
            name = key if isinstance(key, str) else str(key)
            verdict = self._inner(outer, named if named and key == "value" else name)
            redacted = self.value(name, value, verdict, depth)
            shown = self._name(name)
            changed = changed or redacted is not value or shown is not name
            if redacted is not DROPPED:
                kept[shown if shown is not name else key] = redacted
        return kept if changed else values

    def _inner(self, outer: Verdict, name: str) -> Verdict:
        verdict = self._judge(name)
        return outer if verdict is Verdict.OPEN else verdict

    def _name(self, name: str) -> str:
        return self._search(name, "") or name

    def _sequence(self, key: str, values: Collection[Any], verdict: Verdict, depth: int) -> Any:
        pair = self._pair(values, depth)
        if pair is not None:
            return pair
        kept = []
        changed = False
        flag: str | None = None
        for value in values:
            inner = self._judge(flag) if flag and verdict is Verdict.OPEN else verdict
            redacted = self.value(flag or key, value, inner, depth)
            flag = value.lstrip("-") if isinstance(value, str) and value[:1] == "-" else None
            changed = changed or redacted is not value
            if redacted is not DROPPED:
                kept.append(redacted)
        if not changed:
            return values
        return tuple(kept) if isinstance(values, tuple) else kept

    def _pair(self, values: Collection[Any], depth: int) -> Any:
        """Return a pair of a secret name and its value, such as a header, None for anything else."""
        if not isinstance(values, list | tuple) or len(values) != _PAIR:
            return None
        name, value = values
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if not isinstance(name, str) or not isinstance(value, str | bytes):
            return None
        verdict = self._judge(name)
        if verdict not in _SECRET:
            return None
        redacted = self._secret(name, value, verdict, depth)
        both = (values[0], "[REDACTED]" if redacted is DROPPED else redacted)
        return both if isinstance(values, tuple) else list(both)

    def _bytes(self, key: str, value: Any) -> Any:
        data = bytes(value)
        text = data.decode("utf-8", "surrogateescape")
        found = self._text(key, text)
        if found is text or found is DROPPED:
            return value if found is text else found
        return str(found).encode("utf-8", "surrogateescape")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and is_count(value))


def _named_by_value(values: Mapping[Any, Any]) -> str | None:
    """Return the name in ``{"name": …, "value": …}``, as headers and variables are listed."""
    if "value" not in values:
        return None
    name = values.get("name", values.get("key"))
    return name if isinstance(name, str) else None
