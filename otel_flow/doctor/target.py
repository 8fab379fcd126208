"""Where signals go: each host and port once, with the signals that it gets."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_flow.settings.endpoints import socket_parts
from otel_flow.settings.masking import mask_url
from otel_flow.settings.table import SIGNALS


if TYPE_CHECKING:
    from otel_flow.settings import OtlpSettings, Settings


_GRPC_DEFAULT_PORT = 443
_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    One place that a connection is made to.

    *socket* is the path of a Unix socket, else None; *port* is 0 with it. *proxy* is the
    URL of the proxy that host and port belong to, without secrets, else None.
    """

    host: str
    port: int
    socket: str | None
    secure: bool
    proxy: str | None
    otlp: OtlpSettings = dataclasses.field(compare=False)

    @property
    def name(self) -> str:
        """``host:port``, or the path of the socket."""
        if self.socket is not None:
            return self.socket
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def targets(settings: Settings) -> dict[Target, list[str]]:
    """Return the places that *settings* send OTLP to, each with its signals."""
    found: dict[Target, list[str]] = {}
    for signal in SIGNALS:
        if "otlp" not in getattr(settings, f"{signal}_exporters"):
            continue
        if target := _target(settings, getattr(settings, f"otlp_{signal}")):
            found.setdefault(target, []).append(signal)
    return found


def _target(settings: Settings, otlp: OtlpSettings) -> Target | None:
    if otlp.protocol == "grpc":
        return _grpc(otlp)
    if parts := socket_parts(otlp.endpoint):
        return Target(host="", port=0, socket=parts[0], secure=False, proxy=None, otlp=otlp)
    proxy = settings.proxy_for(otlp.endpoint)
    return _url(proxy or otlp.endpoint, otlp, proxy=proxy)


def _url(url: str, otlp: OtlpSettings, *, proxy: str | None = None) -> Target:
    parts = urlsplit(url)
    return Target(
        host=parts.hostname or "localhost",
        port=parts.port or _PORTS.get(parts.scheme, 80),
        socket=None,
        secure=otlp.endpoint.startswith("https://"),
        proxy=proxy and mask_url(proxy),
        otlp=otlp,
    )


def _grpc(otlp: OtlpSettings) -> Target | None:
    """Return the place of a gRPC channel, None for gRPC's own schemes of names."""
    if "://" in otlp.endpoint:
        is_url = otlp.endpoint.lower().startswith(("http://", "https://"))
        return _url(otlp.endpoint, otlp) if is_url else None
    parts = urlsplit(f"//{otlp.endpoint}")
    return Target(
        host=parts.hostname or "localhost",
        port=parts.port or _GRPC_DEFAULT_PORT,
        socket=None,
        secure=not otlp.insecure,
        proxy=None,
        otlp=otlp,
    )
