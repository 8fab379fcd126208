"""What of a setting may be shown: credentials in URLs, headers and attributes are masked."""

from __future__ import annotations

import dataclasses
import re

from typing import TYPE_CHECKING

from otel_flow.redaction import default_redaction
from otel_flow.redaction.keys import looks_secret


if TYPE_CHECKING:
    from typing import Any


MASK = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_QUERY = re.compile(r"[?#]")


def hidden(value: Any) -> Any:
    """Return *value*, nested or not, without what the default policy of redaction knows as secret."""
    return default_redaction().attribute("", value)


def mask_url(text: str) -> str:
    """
    Return *text* without user-info, query and fragment.

    A password may hold any character when whoever wrote it forgot to encode it:
    everything before the last ``@`` goes, and everything else as well where that
    ``@`` may belong to a query.
    """
    scheme = _SCHEME.match(text)
    start = scheme.group() if scheme else ""
    user, at, place = text[len(start) :].rpartition("@")
    if _QUERY.search(user):
        return start + MASK
    if query := _QUERY.search(place):
        place = place[: query.end()] + MASK
    return start + (f"{MASK}@" if at else "") + place


def mask_pairs(text: str) -> str:
    """Return ``k=v,k=v`` with everything masked from the first key that looks secret."""
    shown = []
    for item in text.split(","):
        key, separator, _ = item.partition("=")
        if looks_secret(key):
            shown.append(f"{key.strip()}={MASK}" if separator else MASK)
            break
        shown.append(item)
    return ",".join(shown)


def masked_repr(instance: Any) -> str:
    """Return the repr of a dataclass with the fields that differ from their defaults."""
    shown = [
        f"{field.name}={getattr(instance, field.name)!r}"
        for field in dataclasses.fields(instance)
        if field.repr and getattr(instance, field.name) != _default(field)
    ]
    return f"{type(instance).__name__}({', '.join(shown)})"


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def printable(text: str, limit: int = 200) -> str:
    """Return *text* on one line, cut after *limit* characters, without secrets and control characters."""
    text = default_redaction().text(text)
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)
