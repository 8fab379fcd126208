"""The address of an outgoing request, without credentials."""

from __future__ import annotations

import functools

from typing import NamedTuple
from urllib.parse import urlsplit


_PORTS = {"http": 80, "https": 443}
_HIDDEN = "REDACTED"


class Address(NamedTuple):
    """Whom a request goes to, and the URL as it may be shown."""

    full: str
    scheme: str
    host: str
    port: int | None


@functools.lru_cache(maxsize=1024)
def address_of(url: str) -> Address:
    """
    Return the address in *url*; user and password are replaced (semantic conventions: url.full).

    Secrets in the query are the redaction policy's business. What is no URL is shown as it is.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return Address(url, "", "", None)
    if "@" in parts.netloc:
        place = parts.netloc.rpartition("@")[2]
        parts = parts._replace(netloc=f"{_HIDDEN}:{_HIDDEN}@{place}")
    return Address(parts.geturl(), parts.scheme, parts.hostname or "", port)
