"""
The kinds of values: how each is read from a variable, checked as a keyword, and shown.

Reading follows the specification (Environment Variable Specification, Configuration
types); what it calls a warning for a wrong value is a `Rejected` here, because a
configuration fails loudly. Only a doubtful boolean is a warning.
"""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any, Protocol

from otel_flow.settings.masking import MASK, mask_url


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


ENDLESS = 2_147_483.647
"""Seconds: what a timeout of 0 means (specification: Timeout), the longest 32-bit milliseconds."""


class Rejected(ValueError):  # noqa: N818 - control flow between a kind and the reader, never seen outside
    """A value is wrong; the message says what was expected."""


class Doubted(Exception):  # noqa: N818 - control flow, as above
    """A value is accepted as *value*, with a warning."""

    def __init__(self, value: Any, message: str) -> None:
        self.value = value
        super().__init__(message)


class Kind(Protocol):
    """One kind of value."""

    def parse(self, text: str, /) -> Any:
        """Return the value of a variable's *text*, never empty, or raise `Rejected`."""

    def check(self, value: Any, /) -> Any:
        """Return the value of a keyword, normalised, or raise `Rejected`."""

    def shown(self, value: Any, /) -> Any:
        """Return what may be shown of *value*, as JSON has it."""

    def hidden(self, text: str, /) -> str:
        """Return what may be shown of a wrong *text*."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """What most kinds share: nothing to hide but credentials in a URL."""

    def shown(self, value: Any) -> Any:
        """Return *value*; text without credentials."""
        return self.hidden(value) if isinstance(value, str) else value

    def hidden(self, text: str) -> str:
        """Return *text* without credentials in a URL."""
        return mask_url(text) if "://" in text else text


@dataclasses.dataclass(frozen=True, slots=True)
class Text(Plain):
    """
    Any text without surrounding blanks.

    *accepts* may raise `Rejected`, or return the text in its final form.
    """

    accepts: Callable[[str], str | None] | None = None

    def parse(self, text: str) -> str:
        """Return *text*."""
        if not text.isprintable():
            raise Rejected("printable text")
        final = None if self.accepts is None else self.accepts(text)
        return text if final is None else final

    def check(self, value: Any) -> str:
        """Return *value* if it is text with something in it."""
        if not isinstance(value, str) or not value.strip():
            raise Rejected("text that is not empty")
        return self.parse(value.strip())


@dataclasses.dataclass(frozen=True, slots=True)
class Secret(Text):
    """Text that is never shown."""

    def shown(self, value: Any) -> Any:
        """Return a mask if there is a value."""
        return value and MASK

    def hidden(self, _text: str) -> str:
        """Return a mask."""
        return MASK


@dataclasses.dataclass(frozen=True, slots=True)
class Url(Text):
    """A URL, or what was meant to be one: user-info, query and fragment are never shown."""

    def hidden(self, text: str) -> str:
        """Return *text* without credentials, also where the scheme is missing."""
        return mask_url(text)


@dataclasses.dataclass(frozen=True, slots=True)
class Function(Plain):
    """A function, which only a keyword can give; shown by its name."""

    def parse(self, _text: str) -> Any:
        """Reject any text."""
        raise Rejected("a function, as a keyword")

    def check(self, value: Any) -> Any:
        """Return *value* if it can be called."""
        if not callable(value):
            raise Rejected("a function")
        return value

    def shown(self, value: Any) -> Any:
        """Return the name of the function."""
        return getattr(value, "__qualname__", type(value).__qualname__)


@dataclasses.dataclass(frozen=True, slots=True)
class Flag(Plain):
    """A boolean (specification: Boolean): only ``true`` is true, in any case."""

    def parse(self, text: str) -> bool:
        """Return whether *text* is ``true``; doubt anything but ``true`` and ``false``."""
        if text.lower() not in {"true", "false"}:
            raise Doubted(value=False, message="is neither true nor false and counts as false")
        return text.lower() == "true"

    def check(self, value: Any) -> bool:
        """Return *value* if it is a bool."""
        if not isinstance(value, bool):
            raise Rejected("True or False")
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class Whole(Plain):
    """A whole number in a range."""

    minimum: int = 0
    maximum: int = 2**31 - 1

    def parse(self, text: str) -> int:
        """Return the number that *text* spells in decimal digits."""
        if not text.isascii() or not text.removeprefix("-").isdigit():
            raise Rejected(self._expected)
        return self.check(int(text) if len(text) < 20 else self.maximum + 1)  # noqa: PLR2004 - beyond 64 bits

    def check(self, value: Any) -> int:
        """Return *value* if it is an int in range."""
        wrong_type = not isinstance(value, int) or isinstance(value, bool)
        if wrong_type or not self.minimum <= value <= self.maximum:
            raise Rejected(self._expected)
        return int(value)

    @property
    def _expected(self) -> str:
        return f"a whole number from {self.minimum} to {self.maximum}"


@dataclasses.dataclass(frozen=True, slots=True)
class Seconds(Plain):
    """
    A duration: whole milliseconds in the variable, seconds in the settings.

    With *timeout*, 0 is endless (specification: Timeout).
    """

    timeout: bool = False
    positive: bool = False

    def parse(self, text: str) -> float:
        """Return *text*, in milliseconds, as seconds."""
        if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004 - 30 000 years
            raise Rejected(f"a whole number of milliseconds, {self._range}")
        return self.check(int(text) / 1000)

    def check(self, value: Any) -> float:
        """Return *value*, in seconds, if it is in range."""
        wrong_type = not isinstance(value, int | float) or isinstance(value, bool)
        if wrong_type or not 0 <= value <= ENDLESS or (self.positive and value == 0):
            raise Rejected(f"a duration, {self._range}")
        return ENDLESS if self.timeout and value == 0 else float(value)

    @property
    def _range(self) -> str:
        return "more than 0" if self.positive else "0 or more"


@dataclasses.dataclass(frozen=True, slots=True)
class Choice(Plain):
    """
    One name of several, in any case.

    *options* maps what may be written to what it means, *refused* what the
    specification knows and we do not have to the reason.
    """

    options: Mapping[str, str]
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def parse(self, text: str) -> str:
        """Return what *text* means."""
        meaning = self.options.get(text.lower())
        if meaning is None:
            reason = self.refused.get(text.lower())
            raise Rejected(f"one of {', '.join(self.options)}" + (f" ({reason})" if reason else ""))
        return meaning

    def check(self, value: Any) -> str:
        """Return what *value* means."""
        if not isinstance(value, str):
            raise Rejected(f"one of {', '.join(self.options)}")
        return self.parse(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Words(Plain):
    """
    A comma-separated list, each word once.

    *each* turns one word into its final form or raises `Rejected`.
    """

    each: Callable[[str], str] = str

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the words of *text*; empty ones do not count."""
        return self.check([word.strip() for word in text.split(",") if word.strip()])

    def check(self, value: Any) -> tuple[str, ...]:
        """Return *value*, a sequence of words or text as in a variable."""
        if isinstance(value, str):
            return self.parse(value)
        if not isinstance(value, list | tuple | set | frozenset):
            raise Rejected("a sequence of names")
        if not all(isinstance(word, str) and word.isprintable() for word in value):
            raise Rejected("a sequence of printable names")
        return tuple(dict.fromkeys(self.each(word) for word in value))

    def shown(self, value: Any) -> Any:
        """Return the words without credentials."""
        return [self.hidden(word) for word in value]


@dataclasses.dataclass(frozen=True, slots=True)
class WordsOrNone(Words):
    """A list in which ``none``, alone, stands for no word at all (specification: Enum)."""

    def check(self, value: Any) -> tuple[str, ...]:
        """Return the words, () for ``none``."""
        words = Words.check(self, value)
        if "none" in words and len(words) > 1:
            raise Rejected("either none alone, or names without none")
        return () if words == ("none",) else words


def choice(*names: str, **meanings: str) -> Choice:
    """Return the choice between *names*, which mean themselves, and *meanings*."""
    return Choice({name: name for name in names} | meanings)
