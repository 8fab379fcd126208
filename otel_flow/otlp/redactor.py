"""What the encoders ask before a value leaves the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol


if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue


class _Dropped:
    """The type of `DROPPED`."""

    def __repr__(self) -> str:
        return "DROPPED"


DROPPED: Final = _Dropped()
"""What `Redactor.attribute` returns for an attribute that must not leave at all."""


class Redactor(Protocol):
    """
    Masks what must not leave.

    The encoders ask it once for each pair of key and value that they do not know yet,
    on the threads that encode and collect, and remember the answer within a bound: the
    same question must always get the same answer. Attributes of resources, scopes,
    events, links, data points and exemplars are asked for like those of spans and log
    records.
    """

    def attribute(self, key: str, value: AnyValue) -> Any:
        """
        Return *value* itself where nothing is masked, what replaces it, or `DROPPED`.

        *value* is what the application gave, nested values included. A log body that
        is no text is asked for under the key ``body``.
        """
        ...

    def clear_below(self, key: str) -> int:
        """
        Return below which number every whole one leaves as it is under *key*.

        Those are not asked for one by one: many of them come once. The answer is at most
        2**63; it is -2**63 where each is to be asked for, and truth values and numbers that
        are not whole as well. Otherwise it is above 0, and they leave as they are.
        """
        ...

    def text(self, text: str) -> str:
        """Return *text*, masked: a name of a span or an event, a status text, a log body."""
        ...
