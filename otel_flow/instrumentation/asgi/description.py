"""What a request says of itself before it is answered: the attributes its span begins with."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.asgi.addresses import (
    TrustedProxies,
    forwarded_for,
    server_attributes,
)
from otel_flow.instrumentation.asgi.headers import HeaderCapture, read_headers
from otel_flow.otlp.constant import Constant
from otel_flow.providers.prepared import Prepared


if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from otel_flow.instrumentation.asgi.headers import RawHeaders
    from otel_flow.settings import Settings

    Scope = MutableMapping[str, Any]


METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)

_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded"})

_REMEMBERED = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What the requests of one client have in common: all but their path and query."""

    key: tuple[str, str, str]
    """Method, scheme and protocol version, as the metrics have them."""
    attributes: Constant
    client: str | None

    def of(self, scope: Scope, **own: Any) -> Prepared:
        """Return the attributes of the request of *scope*, with those that it has of its *own*."""
        own["url.path"] = scope["path"]
        if query := scope.get("query_string"):
            own["url.query"] = query.decode("latin-1")
        return Prepared(self.attributes, own)


class Descriptions:
    """
    The descriptions that were made before: a client that keeps its connection asks alike.

    Those that hold headers of the user's choice, or an address that a proxy names, are
    made anew each time.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._capture = HeaderCapture(settings.capture_request_headers, "http.request.header")
        self._captures = bool(self._capture)
        self._forwarded = bool(self._proxies)
        self._known: dict[tuple[Any, ...], Description] = {}

    def __call__(self, scope: Scope, headers: RawHeaders) -> Description:
        """Return the description of the request of *scope*."""
        if self._captures or (self._forwarded and not _FORWARDED.isdisjoint(headers)):
            return self._described(scope, headers)
        read, client = scope.get, scope.get("client")
        key = (
            read("method"),
            read("scheme"),
            read("http_version"),
            headers.get(b"host"),
            headers.get(b"user-agent"),
            client and tuple(client),
        )
        found = self._known.get(key)
        if found is None:
            found = self._described(scope, headers)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found

    def _described(self, scope: Scope, headers: RawHeaders) -> Description:
        sent = scope.get("method", "GET")
        method = sent if sent in METHODS else "_OTHER"
        scheme, version = scope.get("scheme", "http"), scope.get("http_version", "1.1")
        client = None
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "url.scheme": scheme,
            "network.protocol.version": version,
        }
        if method != sent:
            attributes["http.request.method_original"] = sent
        if host := headers.get(b"host"):
            attributes.update(server_attributes(host.decode("latin-1"), scheme))
        if agent := headers.get(b"user-agent"):
            attributes["user_agent.original"] = agent.decode("latin-1")
        if peer := scope.get("client"):
            attributes["network.peer.address"], attributes["network.peer.port"] = peer
            attributes["client.address"] = client = self._client(peer[0], scope)
        if self._captures:
            attributes.update(self._capture.attributes(read_headers(scope["headers"])))
        return Description((method, scheme, version), Constant(attributes), client)

    def _client(self, peer: str, scope: Scope) -> str:
        if not self._forwarded:
            return peer
        forwarded = forwarded_for(read_headers(scope["headers"]))
        return self._proxies.client(peer, forwarded) if forwarded else peer
