"""The way to an endpoint, a step at a time: name, connection, TLS."""

from __future__ import annotations

import functools
import pathlib
import socket
import ssl
import time

from typing import TYPE_CHECKING, Any

from otel_flow.delivery.transport import tls_context
from otel_flow.doctor.bounded import bounded
from otel_flow.doctor.finding import ok, problem, warning
from otel_flow.resource.container import container_id


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.doctor.finding import Finding
    from otel_flow.doctor.target import Target


_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_START = (
    f"start a Collector (otel-flow collector init DIR; docker compose up), or set {_ENDPOINT} "
    "to where one listens; otel-flow tail is one to look at"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DAY = 24 * 60 * 60.0
_SOON_DAYS = 30


def check(target: Target, seconds: float) -> Iterator[Finding]:
    """Yield how each step goes until one fails; each may take *seconds*."""
    if target.socket is not None:
        yield _unix(target, target.socket, seconds)
        return
    look_up = functools.partial(
        socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM
    )
    (addresses,) = bounded([look_up], seconds)
    if isinstance(addresses, Exception):
        yield _unknown_name(target, addresses)
        return
    numbers = list(dict.fromkeys(address[4][0] for address in addresses))
    yield ok("endpoint.dns", f"{target.host} is {', '.join(numbers)}", subject=target.name)
    yield from _connection(target, seconds)


def _unknown_name(target: Target, error: Exception) -> Finding:
    what = getattr(error, "strerror", None) or str(error)
    return problem(
        "endpoint.dns",
        f"the name {target.host} cannot be resolved ({what})",
        f"correct the host in {_setting(target)}; in Kubernetes it is service.namespace, in Docker "
        "Compose the name of the service, and both only inside",
        subject=target.name,
    )


def _connection(target: Target, seconds: float) -> Iterator[Finding]:
    started = time.monotonic()
    connect = functools.partial(socket.create_connection, (target.host, target.port), seconds)
    (connection,) = bounded([connect], seconds)
    if isinstance(connection, Exception):
        yield _refused(target, connection, seconds)
        return
    took = f"{(time.monotonic() - started) * 1000:.0f} ms"
    with connection:
        via = f", the proxy {target.proxy}" if target.proxy else ""
        yield ok(
            "endpoint.tcp", f"{target.name}{via} takes connections ({took})", subject=target.name
        )
        if target.secure and not target.proxy:
            yield _tls(target, connection, seconds)


def _refused(target: Target, error: Exception, seconds: float) -> Finding:
    if isinstance(error, TimeoutError):
        return problem(
            "endpoint.tcp",
            f"{target.name} does not answer within {seconds:g} s",
            f"look for a firewall or a network policy between here and there, or a wrong host in "
            f"{_setting(target)}",
            subject=target.name,
        )
    if isinstance(error, ConnectionRefusedError):
        here = target.host in _LOOPBACK and container_id() is not None
        inside = "in a container localhost is the container itself: name the Collector's host; "
        return problem(
            "endpoint.tcp",
            f"nothing listens at {target.name} (ConnectionRefusedError)",
            f"{inside if here else ''}{_START}",
            subject=target.name,
        )
    return problem(
        "endpoint.tcp",
        f"{target.name} cannot be reached ({type(error).__name__}: {error})",
        f"look at the network, and at {_setting(target)}",
        subject=target.name,
    )


def _tls(target: Target, connection: socket.socket, seconds: float) -> Finding:
    (secured,) = bounded([lambda: _handshake(target, connection)], seconds)
    if isinstance(secured, Exception):
        return _insecure(target, secured)
    version, certificate = secured
    until = certificate.get("notAfter")
    if until:
        left = (ssl.cert_time_to_seconds(until) - time.time()) / _DAY
        if left < _SOON_DAYS:
            return warning(
                "endpoint.tls",
                f"the certificate of {target.name} ends in {left:.0f} days, on {until}",
                "renew it: nothing is delivered from then on",
                subject=target.name,
            )
    return ok("endpoint.tls", f"{version}, the certificate is trusted", subject=target.name)


def _handshake(target: Target, connection: socket.socket) -> tuple[str | None, dict[str, Any]]:
    context = tls_context(target.otlp)
    with context.wrap_socket(connection, server_hostname=target.host) as secured:
        return secured.version(), dict(secured.getpeercert() or {})


def _insecure(target: Target, error: Exception) -> Finding:
    what, advice = f"{type(error).__name__}: {error}", f"look at the TLS side of {target.name}"
    if isinstance(error, ssl.SSLCertVerificationError):
        what = error.verify_message
        advice = "set OTEL_EXPORTER_OTLP_CERTIFICATE to the file of the authority that signed it"
        if "match" in what:
            advice = f"name the host in {_setting(target)} as the certificate does"
        elif "expired" in what:
            advice = "renew the certificate of the backend"
        elif "key usage" in what.lower() or "key identifier" in what.lower():
            advice = "issue it anew with what is missing: Python 3.13 and later insist on it"
    elif isinstance(error, ssl.SSLError) and error.reason in {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
    }:
        what = "it does not speak TLS"
        advice = f"write http:// instead of https:// in {_setting(target)}"
    elif isinstance(error, TimeoutError):
        what = f"no answer to the handshake; {error}"
    return problem(
        "endpoint.tls", f"no TLS with {target.name}: {what}", advice, subject=target.name
    )


def _unix(target: Target, path: str, seconds: float) -> Finding:
    (error,) = bounded([lambda: _connect_unix(path, seconds)], seconds)
    if error is None:
        return ok("endpoint.tcp", f"the socket {path} takes connections", subject=target.name)
    there = pathlib.Path(path).exists()
    return problem(
        "endpoint.tcp",
        f"nothing listens at the socket {path} ({type(error).__name__})",
        _START if there else f"correct the path in {_setting(target)}, or mount the socket here",
        subject=target.name,
    )


def _connect_unix(path: str, seconds: float) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(seconds)
        probe.connect(path)


def _setting(target: Target) -> str:
    return "the proxy's variable" if target.proxy else _ENDPOINT
