"""OTLP endpoints: the rules for the common one and for a signal's own (specification: OTLP Exporter)."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from otel_flow.settings.groups import DEFAULT_GRPC_ENDPOINT, DEFAULT_HTTP_ENDPOINT
from otel_flow.settings.kinds import Rejected


_EXPECTED_HTTP = "a URL with scheme and host, such as http://localhost:4318, or unix:///path"
_EXPECTED_GRPC = "a URL with scheme and host, such as http://localhost:4317, or host:port"
_UNIX = "unix://"


def default_endpoint(protocol: str, signal: str) -> str:
    """Return the endpoint of a signal that no one named."""
    if protocol == "grpc":
        return DEFAULT_GRPC_ENDPOINT
    return f"{DEFAULT_HTTP_ENDPOINT}/v1/{signal}"


def common_endpoint(text: str, protocol: str, signal: str) -> str:
    """Return where *signal* goes when *text* is the endpoint of all signals."""
    if protocol == "grpc":
        return grpc_endpoint(text)
    if text.startswith(_UNIX):
        return _with_request_path(text, f"/v1/{signal}")
    parts = _http_parts(text)
    return parts._replace(path=f"{parts.path.rstrip('/')}/v1/{signal}").geturl()


def own_endpoint(text: str, protocol: str, signal: str) -> str:
    """Return where *signal* goes when *text* is its own endpoint: as it is, ``/`` for no path."""
    if protocol == "grpc":
        return grpc_endpoint(text)
    if text.startswith(_UNIX):
        return _with_request_path(text, f"/v1/{signal}")
    parts = _http_parts(text)
    return parts._replace(path=parts.path or "/").geturl()


def grpc_endpoint(text: str) -> str:
    """Return *text* if gRPC takes it: http and https URLs, ``host:port``, and gRPC's own schemes."""
    if any(char.isspace() for char in text):
        raise Rejected(_EXPECTED_GRPC)
    if text.lower().startswith(("http:", "https:")):
        _split(text, _EXPECTED_GRPC)
    return text


def socket_parts(endpoint: str) -> tuple[str, str] | None:
    """
    Return the socket and the request path of ``unix:///run/otel.sock:/v1/traces``.

    None for any other endpoint.
    """
    if not endpoint.startswith(_UNIX):
        return None
    path, separator, request = endpoint.removeprefix(_UNIX).rpartition(":/")
    return (path, f"/{request}") if separator else (request, "/")


def _with_request_path(text: str, path: str) -> str:
    """Return *text*, a Unix socket, with a request path if it has none."""
    socket = text.removeprefix(_UNIX)
    if not socket.startswith("/"):
        raise Rejected("unix:// with an absolute path, such as unix:///run/otel.sock")
    return text if ":/" in socket else text + ":" + path


def _http_parts(text: str) -> SplitResult:
    parts = _split(text, _EXPECTED_HTTP)
    if any(char.isspace() for char in text):
        raise Rejected(_EXPECTED_HTTP)
    return parts


def _split(text: str, expected: str) -> SplitResult:
    """Return the parts of an http or https URL whose host and port are right."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Rejected(expected) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise Rejected(expected)
    return parts
