"""Personal data that a setting asks to hide: addresses of mail, telephones and hosts."""

from __future__ import annotations

import ipaddress
import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.redaction.slices import Step

    Mark = Callable[[str, str], str]


_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+][A-Za-z0-9._%+-]{0,63}+"
    r"(?:@|%40)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}+)(?:\.[A-Za-z0-9-]{1,63}+){1,8}+"
)
_PHONE = re.compile(
    r"(?<![0-9A-Za-z.+-])(?:\+|00)[1-9](?:[ ./-]?\(?[0-9]\)?){6,20}+(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.+-])\([0-9]{2,5}\)[ -]?[0-9]{3,4}[ -]?[0-9]{3,5}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.+-])[2-9][0-9]{2}([.-])[0-9]{3}\1[0-9]{4}(?![0-9A-Za-z]|[.-][0-9])"
)
"""International with ``+`` or ``00``, national with an area code in brackets, North American."""
_PHONE_DIGITS = range(8, 16)
_REACH = 720
"""Characters of the longest match of any of these: an address of mail."""

_IPV4 = re.compile(
    r"(?<![0-9A-Za-z.])(?<![A-Za-z]/)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?(?![0-9A-Za-z]|\.[0-9])"
)
"""Four numbers that follow no name and slash, as versions in a user agent do."""
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?:/[0-9]{1,3})?(?![0-9A-Za-z:])"
)
_KEPT_BITS = {4: 24, 6: 48}


def redact_emails(text: str, mark: Mark, step: Step) -> str:
    """Return *text* with addresses of mail marked."""
    return slices.replace(
        _EMAIL, text, lambda match: mark("email", match.group()), reach=_REACH, step=step
    )


def redact_phones(text: str, mark: Mark, step: Step) -> str:
    """Return *text* with numbers of telephones marked."""

    def replace(match: re.Match[str]) -> str:
        found = match.group()
        count = sum(char.isdigit() for char in found)
        return mark("phone", found) if count in _PHONE_DIGITS else found

    return slices.replace(_PHONE, text, replace, reach=_REACH, step=step)


def truncate_addresses(text: str, step: Step) -> str:
    """Return *text* with IP addresses cut to their network: ``203.0.113.0/24``, ``2001:db8::/48``."""
    if text.count(".") > 2:  # noqa: PLR2004 - the dots of an IPv4 address
        text = slices.replace(_IPV4, text, _network, reach=_REACH, step=step)
    if text.count(":") > 1:
        text = slices.replace(_IPV6, text, _network, reach=_REACH, step=step)
    return text


def _network(match: re.Match[str]) -> str:
    found = match.group()
    address, _, bits = found.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
        kept = _KEPT_BITS[parsed.version]
        if parsed.is_loopback or parsed.is_unspecified or (bits and int(bits) <= kept):
            return found
        return str(ipaddress.ip_network(f"{address}/{kept}", strict=False))
    except ValueError:
        return found
