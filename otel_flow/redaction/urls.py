"""Credentials in URLs and connection strings: what stands between ``://`` and ``@``."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_AUTHORITY_END = re.compile(r"[/?\s\"'<>`|]|#(?![^/\s\"'<>]{0,64}@)")
_URL_END = re.compile(r"[\s\"'<>`|]")
_IS_MASKED = re.compile(r"REDACTED(?::REDACTED(?:-[a-z2-7]+)?)?")
_NAME_ALONE = re.compile(r"[A-Za-z][\w.+-]{0,15}")
"""A user without a password, such as ``git``; what is longer or no name is a token."""
_GO_DSN = re.compile(r"(?<![^\s\"'=])[^\s\"'=@:/]+:[^\s\"'=@]+@(?=(?:tcp|udp|unix)\()")


def redact_user_info(text: str, mask: Callable[[str], str]) -> str:
    """
    Return *text* with the user-info of every URL replaced by what *mask* makes of it.

    A password may hold what should have been encoded: where the part before the first
    slash is no host with a port, everything up to the last ``@`` of the URL is masked.
    """
    head, *rest = text.split("://")
    return "://".join((head, *(_without_user(part, mask) for part in rest)))


def redact_go_dsn(text: str, mask: Callable[[str], str]) -> str:
    """Return *text* with the credentials of DSNs like ``user:password@tcp(host:3306)/db`` masked."""

    def replace(match: re.Match[str]) -> str:
        user = match.group()[:-1]
        return match.group() if _IS_MASKED.fullmatch(user) else f"{mask(user)}@"

    return _GO_DSN.sub(replace, text)


def _without_user(part: str, mask: Callable[[str], str]) -> str:
    end = _AUTHORITY_END.search(part)
    authority = part[: end.start()] if end else part
    user, at, _ = authority.rpartition("@")
    if not at:
        user = _user_with_slash(part, authority)
    if not user or _IS_MASKED.fullmatch(user) or _NAME_ALONE.fullmatch(user):
        return part
    return mask(user) + part[len(user) :]


def _user_with_slash(part: str, authority: str) -> str:
    """Return the user-info whose password holds a slash or the like, empty if it is a host."""
    name, colon, port = authority.rpartition(":")
    if not colon or port.isdigit() or name.endswith("]") or "@" not in part:
        return ""
    end = _URL_END.search(part)
    return (part[: end.start()] if end else part).rpartition("@")[0]
