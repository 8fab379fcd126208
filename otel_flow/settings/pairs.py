"""Lists of ``key=value``: resource attributes, headers, levels of loggers."""

from __future__ import annotations

import dataclasses
import re

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from otel_flow.redaction.keys import looks_secret
from otel_flow.settings.kinds import Plain, Rejected
from otel_flow.settings.masking import MASK, mask_pairs, mask_url


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.settings.kinds import Choice


_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATTERN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def percent_decoded(text: str) -> str:
    """Return *text* with its percent escapes decoded, which must be UTF-8."""
    if _STRAY_PERCENT.search(text):
        raise Rejected("percent escapes of two hexadecimal digits (a plain % is written %25)")
    try:
        decoded = unquote(text, errors="strict")
        decoded.encode()
    except UnicodeError:
        raise Rejected("percent escapes that are UTF-8") from None
    return decoded


def split_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ``key=value,key=value`` without blanks, still encoded."""
    for item in text.split(","):
        if not item.strip():
            continue
        key, separator, value = item.partition("=")
        if not separator or not key.strip():
            raise Rejected("a list like key1=value1,key2=value2")
        yield key.strip(), value.strip()


@dataclasses.dataclass(frozen=True, slots=True)
class Attributes(Plain):
    """
    Resource attributes, percent-encoded (specification: Resource SDK).

    Values of keys that look secret are masked.
    """

    def parse(self, text: str) -> Mapping[str, str]:
        """Return the attributes that *text* lists; the last of equal keys wins."""
        return MappingProxyType(
            {percent_decoded(key): percent_decoded(value) for key, value in split_pairs(text)}
        )

    def check(self, value: Any) -> Mapping[str, str]:
        """Return a read-only copy of *value*, a mapping from text to text."""
        if not isinstance(value, Mapping):
            raise Rejected("a mapping from text to text")
        if not all(_is_text(key) and key and _is_text(item) for key, item in value.items()):
            raise Rejected("a mapping from text to text")
        return MappingProxyType(dict(value))

    def shown(self, value: Any) -> Any:
        """Return the attributes, masked by their keys."""
        return {key: _shown_attribute(key, item) for key, item in value.items()}

    def hidden(self, text: str) -> str:
        """Return *text*, masked from the first key that looks secret."""
        return mask_pairs(text)


@dataclasses.dataclass(frozen=True, slots=True)
class Headers(Plain):
    """Headers (specification: Specifying headers via environment variables); never shown."""

    def parse(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that *text* lists, percent-decoded."""
        return self.check(
            [(percent_decoded(key), percent_decoded(value)) for key, value in split_pairs(text)]
        )

    def check(self, value: Any) -> tuple[tuple[str, str], ...]:
        """Return *value*, a mapping or pairs, with lower-case names; the last of equal ones wins."""
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(pairs, list | tuple):
            raise Rejected("a mapping or a sequence of (name, value)")
        headers: dict[str, str] = {}
        for pair in pairs:
            name, content = _header(pair)
            headers[name] = content
        return tuple(headers.items())

    def shown(self, value: Any) -> Any:
        """Return the names of the headers, their values masked."""
        return {name: MASK for name, _ in value}

    def hidden(self, _text: str) -> str:
        """Return a mask."""
        return MASK


@dataclasses.dataclass(frozen=True, slots=True)
class Levels(Plain):
    """Levels of single loggers, ``sqlalchemy=WARNING,urllib3=ERROR``."""

    level: Choice

    def parse(self, text: str) -> Mapping[str, str]:
        """Return logger → level."""
        return self.check(dict(split_pairs(text)))

    def check(self, value: Any) -> Mapping[str, str]:
        """Return a read-only copy of *value*, logger → level."""
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise Rejected("a mapping from logger to level")
        return MappingProxyType({name: self.level.check(level) for name, level in value.items()})

    def shown(self, value: Any) -> Any:
        """Return logger → level."""
        return dict(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Shares(Plain):
    """Shares from 0 to 1 of routes, ``/items/{id}=0.5,/files/*=0``, percent-encoded as attributes are."""

    def parse(self, text: str) -> Mapping[str, float]:
        """Return route → share."""
        try:
            return self.check({percent_decoded(k): float(v) for k, v in split_pairs(text)})
        except Rejected:
            raise
        except ValueError:
            raise Rejected(_SHARES) from None

    def check(self, value: Any) -> Mapping[str, float]:
        """Return a read-only copy of *value*, route → share."""
        if not isinstance(value, Mapping):
            raise Rejected(_SHARES)
        for route, share in value.items():
            if not isinstance(route, str) or not route.startswith(("/", "*")):
                raise Rejected(_SHARES)
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise Rejected(_SHARES)
        return MappingProxyType({route: float(share) for route, share in value.items()})

    def shown(self, value: Any) -> Any:
        """Return route → share."""
        return dict(value)


_SHARES = "routes with a share from 0 to 1 each, such as /search=0.1,/files/*=0"


@dataclasses.dataclass(frozen=True, slots=True)
class Expressions(Plain):
    """Named regular expressions, ``employee=E[0-9]{6},…``, percent-encoded as attributes are."""

    def parse(self, text: str) -> Mapping[str, str]:
        """Return name → expression."""
        pairs = split_pairs(text)
        return self.check({percent_decoded(name): percent_decoded(text) for name, text in pairs})

    def check(self, value: Any) -> Mapping[str, str]:
        """Return a read-only copy of *value*, name → expression that never matches nothing."""
        if not isinstance(value, Mapping):
            raise Rejected("a mapping from name to regular expression")
        for name, text in value.items():
            if not isinstance(name, str) or not _PATTERN_NAME.fullmatch(name):
                raise Rejected("names of letters, digits and _.-")
            if not isinstance(text, str):
                raise Rejected("a mapping from name to regular expression")
            _check_expression(name, text)
        return MappingProxyType(dict(value))

    def shown(self, value: Any) -> Any:
        """Return name → expression."""
        return dict(value)


def _check_expression(name: str, text: str) -> None:
    try:
        expression = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise Rejected(f"a regular expression for {name} ({error})") from None
    if expression.search("") is not None:
        raise Rejected(f"a regular expression for {name} that does not match the empty text")


def _header(pair: Any) -> tuple[str, str]:
    """Return one header, lower-case, or reject it without showing it."""
    try:
        name, content = pair
    except (TypeError, ValueError):
        raise Rejected("a mapping or a sequence of (name, value)") from None
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise Rejected("header names of letters, digits and !#$%&'*+-.^_`|~")
    if not isinstance(content, str) or not _HEADER_VALUE.fullmatch(content):
        raise Rejected("printable ASCII in the values of headers")
    return name.lower(), content


def _is_text(value: Any) -> bool:
    """Return whether *value* is text that UTF-8 can carry."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown_attribute(key: str, value: str) -> str:
    if looks_secret(key):
        return MASK
    return mask_url(value) if "://" in value else value
