"""The proxy of an outgoing request, by ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import dataclasses
import ipaddress

from urllib.parse import urlsplit

from otel_flow.settings.masking import mask_url, masked_repr


_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProxySettings:
    """
    A proxy URL a scheme, and the hosts that are reached directly.

    An entry of *bypass* is ``*``, a host name (its subdomains included), an address
    or a network in CIDR notation; each may end in ``:port``.
    """

    http: str | None = None
    https: str | None = None
    all: str | None = None
    bypass: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = dataclasses.replace(
            self,
            http=self.http and mask_url(self.http),
            https=self.https and mask_url(self.https),
            all=self.all and mask_url(self.all),
        )
        return masked_repr(shown)

    def url_for(self, url: str) -> str | None:
        """Return the proxy for *url*; None is a direct connection, as always for Unix sockets."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None:
            return None
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        if any(_bypasses(entry, parts.hostname, port) for entry in self.bypass):
            return None
        return (self.http if parts.scheme == "http" else self.https) or self.all


NO_PROXIES = ProxySettings()


def _bypasses(entry: str, host: str, port: int) -> bool:
    """Return whether one entry of ``NO_PROXY`` covers *host* and *port*."""
    if entry == "*":
        return True
    name, wanted_port = _split_port(entry)
    if wanted_port not in {None, port}:
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:
        pattern = name.lstrip("*").lstrip(".").lower()
        return bool(pattern) and (host.lower() == pattern or host.lower().endswith(f".{pattern}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    """Split ``host:port``; an IPv6 address without brackets has no port."""
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    name, separator, port = entry.rpartition(":")
    if separator and port.isdigit():
        return name, int(port)
    return entry, None
