"""What stands in the place of a secret, and whom the user lets decide it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import logging
import re

from typing import TYPE_CHECKING, Any, Protocol


if TYPE_CHECKING:
    from typing import Literal

    Mode = Literal["mask", "drop", "hash"]


logger = logging.getLogger("otel_flow.redaction")

NAMED = "named"
"""The pattern of a secret that was known by its name."""

_IS_MARK = re.compile(r"\*{3,}|\[REDACTED(?::[\w.-]{1,64}){0,2}\]|REDACTED(?:-[a-z2-7]{16})?")
_HASH_BYTES = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    A secret that was found.

    *key* is the name of the attribute, field or parameter, empty in a free text;
    *pattern* what found it, ``named`` for a name.
    """

    key: str
    pattern: str
    secret: str = dataclasses.field(repr=False)


class Callback(Protocol):
    """
    Decides what stands in the place of a secret.

    The answer is remembered: the same finding must always get the same one.
    """

    def __call__(self, finding: Finding, /) -> str | None:
        """Return the replacement, the secret itself to keep it, None for what the mode gives."""
        ...


def is_mark(text: str) -> bool:
    """Return whether *text* is what stands for a secret already."""
    return _IS_MARK.fullmatch(text) is not None


class Marks:
    """Makes the marks: ``[REDACTED:jwt]``, with a keyed hash of the secret where that is the mode."""

    __slots__ = ("_callback", "_hash_key", "_warned")

    def __init__(self, hash_key: str | None = None, callback: Callback | None = None) -> None:
        self._hash_key = None if hash_key is None else hash_key.encode("utf-8", "backslashreplace")
        self._callback = callback
        self._warned = False

    def mark(self, key: str, pattern: str, secret: str) -> str:
        """Return what stands for *secret* in a text."""
        if is_mark(secret):
            return secret
        label = "" if pattern in {"", NAMED} else f":{pattern}"
        hashed = self.hashed(secret)
        default = f"[REDACTED{label}{f':{hashed}' if hashed else ''}]"
        return self._decided(key, pattern, secret, default)

    def in_url(self, key: str, pattern: str, secret: str) -> str:
        """Return what stands for *secret* in a URL (semantic conventions: url.full)."""
        if is_mark(secret):
            return secret
        return self._decided(key, pattern, secret, self._plain(secret))

    def user_info(self, key: str, secret: str) -> str:
        """Return what stands for user and password in a URL."""
        return self._decided(key, "url_credentials", secret, f"REDACTED:{self._plain(secret)}")

    def _plain(self, secret: str) -> str:
        hashed = self.hashed(secret)
        return f"REDACTED-{hashed}" if hashed else "REDACTED"

    def hashed(self, secret: str) -> str:
        """Return 80 bits of the HMAC-SHA256 of *secret* in base 32, empty where no key is set."""
        if self._hash_key is None:
            return ""
        digest = hmac.digest(
            self._hash_key, secret.encode("utf-8", "backslashreplace"), hashlib.sha256
        )
        return base64.b32encode(digest[:_HASH_BYTES]).decode().lower()

    def _decided(self, key: str, pattern: str, secret: str, default: str) -> str:
        if self._callback is None:
            return default
        # The user's code: what it raises must neither let the secret out nor reach the app.
        try:
            answer: Any = self._callback(Finding(key=key, pattern=pattern or NAMED, secret=secret))
        except Exception as error:
            self._warn(f"raised {type(error).__name__}")
            return default
        if answer is None:
            return default
        if type(answer) is not str:
            self._warn(f"returned a {type(answer).__name__}")
            return default
        return answer

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("the redaction callback %s; secrets are masked instead", what)
