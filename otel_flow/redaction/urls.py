"""Credentials in URLs and connection strings: what stands between ``://`` and ``@``."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.redaction.slices import Step


_AUTHORITY_END = re.compile(r"[/?\s\"'<>`|]|#(?![^/\s\"'<>]{0,64}@)")
_URL_END = re.compile(r"[\s\"'<>`|]")
_IS_MASKED = re.compile(r"REDACTED(?::REDACTED(?:-[a-z2-7]+)?)?")
_NAME_ALONE = re.compile(r"[A-Za-z][\w.+-]{0,15}")
"""A user without a password, such as ``git``; what is longer or no name is a token."""
_AUTHORITY_REACH = 80
_GO_HOST = re.compile(r"@(?:tcp|udp|unix)\(")
_LONGEST_GO = 8192
_GO_USER = re.compile(r"[^\s\"'=]+")
"""The credentials before it, read backwards; a password may hold an ``@``."""
_GO_CREDENTIALS = re.compile(r"[^:/]+:.+", re.DOTALL)


def redact_user_info(text: str, mask: Callable[[str], str], step: Step) -> str:
    """
    Return *text* with the user-info of every URL replaced by what *mask* makes of it.

    A password may hold what should have been encoded: where the part before the first
    slash is no host with a port, everything up to the last ``@`` of the URL is masked.
    """
    head, *rest = text.split("://")
    return "://".join((head, *(_without_user(part, mask, step) for part in rest)))


def redact_go_dsn(text: str, mask: Callable[[str], str], step: Step) -> str:
    """Return *text* with the credentials of DSNs like ``user:password@tcp(host:3306)/db`` masked."""
    return slices.spliced(text, _go_users(text, mask, step))


def _go_users(text: str, mask: Callable[[str], str], step: Step) -> Iterator[tuple[int, int, str]]:
    position = 0
    for host in slices.find_all(_GO_HOST, text, reach=_AUTHORITY_REACH, step=step):
        end = host.start()
        backwards = _GO_USER.match(text[max(position, end - _LONGEST_GO) : end][::-1])
        user = "" if backwards is None else backwards.group()[::-1]
        if _GO_CREDENTIALS.fullmatch(user) and not _IS_MASKED.fullmatch(user):
            position = end
            yield end - len(user), end, mask(user)


def _without_user(part: str, mask: Callable[[str], str], step: Step) -> str:
    step()
    end = slices.find(_AUTHORITY_END, part, 0, reach=_AUTHORITY_REACH, step=step)
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
