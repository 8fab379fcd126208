"""Who asked, and for whom: addresses of server, peer and client of a request."""

from __future__ import annotations

import ipaddress

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@lru_cache(maxsize=512)
def server_attributes(authority: str, scheme: str) -> Mapping[str, Any]:
    """Return ``server.address`` and ``server.port`` of a Host header; nothing of a malformed one."""
    try:
        url = urlsplit(f"//{authority}")
        address, port = url.hostname, url.port
    except ValueError:
        return {}
    if address is None or url.username is not None or url.path or url.query or url.fragment:
        return {}
    port = port or _PORTS.get(scheme)
    return {"server.address": address} | ({"server.port": port} if port else {})


class TrustedProxies:
    """Networks whose ``X-Forwarded-For`` and ``Forwarded`` headers are believed."""

    __slots__ = ("_everyone", "_networks", "is_trusted")

    def __init__(self, networks: Sequence[str]) -> None:
        self._everyone = "*" in networks
        self._networks = [ipaddress.ip_network(network) for network in networks if network != "*"]
        self.is_trusted = lru_cache(maxsize=1024)(self._is_trusted)

    def __bool__(self) -> bool:
        return self._everyone or bool(self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """
        Return the client's address: the last in *forwarded* that no trusted proxy added.

        *forwarded* is the value of ``X-Forwarded-For``; it counts only where *peer*
        is trusted, since anyone can send it, and up to a hop that is no address.
        """
        address = peer
        for hop in reversed(forwarded.split(",")):
            named = _address(hop.strip()) if self.is_trusted(address) else None
            if named is None:
                break
            address = named
        return address

    def _is_trusted(self, text: str) -> bool:
        if self._everyone:
            return True
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def forwarded_for(headers: Mapping[str, str]) -> str | None:
    """Return ``X-Forwarded-For``, or the same of ``Forwarded`` (RFC 7239); None without either."""
    if found := headers.get("x-forwarded-for"):
        return found
    forwarded = headers.get("forwarded")
    return forwarded and ",".join(map(_for, forwarded.split(",")))


def _for(element: str) -> str:
    pairs = (pair.partition("=") for pair in element.split(";"))
    named = (value for name, _, value in pairs if name.strip().lower() == "for")
    return next(named, "").strip().strip('"')


def _address(text: str) -> str | None:
    """Return the address in *text*, without its port; None where there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
