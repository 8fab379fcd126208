"""The headers of a request, and what is added to those of its response."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, Any

from opentelemetry.propagators.textmap import Getter


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Headers = dict[str, str]
    RawHeaders = dict[bytes, bytes]
    """Headers as the server gave them; of equal names only the last."""


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return ASGI headers as text by lower-case name; equal names are joined (RFC 9110, 5.3)."""
    headers: Headers = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


class HeaderGetter(Getter["Headers"]):
    """Gives propagators the headers of a request."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        """Return the value of header *key* in a list, None where there is none."""
        value = carrier.get(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Headers) -> list[str]:
        """Return the names of all headers."""
        return list(carrier)


GETTER = HeaderGetter()


class HeaderCapture:
    """The headers that become attributes: names or regular expressions, by the user's list."""

    __slots__ = ("_pattern", "_prefix")

    def __init__(self, patterns: Sequence[str], prefix: str) -> None:
        self._prefix = prefix
        self._pattern = re.compile("|".join(f"(?:{p})" for p in patterns)) if patterns else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def attributes(self, headers: Headers) -> dict[str, Any]:
        """Return ``http.request.header.<name>`` or ``http.response.header.<name>`` of the listed."""
        if self._pattern is None:
            return {}
        return {
            f"{self._prefix}.{name}": (value,)
            for name, value in headers.items()
            if self._pattern.fullmatch(name)
        }
