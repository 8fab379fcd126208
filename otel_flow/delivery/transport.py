"""
One kept-alive HTTP connection to an OTLP endpoint.

The connection is the standard library's: no redirects, no retries and no log lines
behind our back, the instrumentation of HTTP clients does not see it, and it is known
whether a request that failed had left this process.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import encodings.idna  # noqa: F401  socket.getaddrinfo imports it at its first call
import errno
import gzip
import http.client
import importlib
import os
import select
import socket
import ssl
import zlib

from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from otel_flow.delivery.certificates import modified
from otel_flow.delivery.report import logger
from otel_flow.names.distribution import NAME, own_version


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.settings import OtlpSettings


# A module that a thread of ours imports while another forks can never be imported in the
# child: the lock of that import is held for ever by a thread that is not there. So it is imported here.
_UNIX = "unix://"
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes
    location: str | None = None
    """Where a redirect points, which is not followed."""


class TransportError(Exception):
    """
    The request got no answer; *sent* tells whether all of it had left, *kind* what failed.

    *unreached* is whether there was nobody to connect to.
    """

    def __init__(self, cause: Exception, *, sent: bool) -> None:
        self.sent = sent
        self.unreached = _is_nobody(cause)
        self.kind = type(cause).__name__
        super().__init__(f"{type(cause).__name__}: {cause}")


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket at *path*."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _deflated(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 1, mtime=0)


def _zstandard() -> Callable[[bytes], bytes] | None:
    """Return the compressor of Python ≥ 3.14 or of one of the packages that have it."""
    for module in _ZSTD_MODULES:
        try:
            return cast("Callable[[bytes], bytes]", importlib.import_module(module).compress)
        except ImportError:
            continue
    return None


def _compression(name: str) -> tuple[str, Callable[[bytes], bytes] | None]:
    """Return the content encoding, gzip where zstd is not to be had, and what compresses."""
    if name == "zstd":
        if zstandard := _zstandard():
            return name, zstandard
        logger.warning(
            'zstd needs Python 3.14 or: pip install "backports.zstd"; requests are gzipped'
        )
        name = "gzip"
    return name, {"gzip": _gzipped, "deflate": _deflated}.get(name)


class Transport:
    """Posts requests of one signal; used by one thread at a time."""

    def __init__(self, otlp: OtlpSettings, *, proxy: str | None = None) -> None:
        self._otlp = otlp
        self._proxy = urlsplit(proxy) if proxy else None
        self._connection: http.client.HTTPConnection | None = None
        self._pid = os.getpid()
        self._certificates: tuple[float, ...] = ()
        self._path, self._target = _target(otlp.endpoint)
        self._encoding, self._compress = _compression(otlp.compression)
        self._headers = self._fixed_headers()

    def _fixed_headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"{NAME}/{own_version()}",
            **dict(self._otlp.headers),
        }
        if self._compress is not None:
            headers["Content-Encoding"] = self._encoding
        if self._proxy is not None and not self._is_https:
            headers |= _proxy_credentials(self._proxy.username, self._proxy.password)
        return headers

    @property
    def _is_https(self) -> bool:
        return self._otlp.endpoint.startswith("https://")

    def post(self, body: bytes, timeout: float) -> Answer:
        """
        Send *body*, compressed as set, and return the answer.

        *timeout* bounds, in seconds, each wait for the network. Raises
        `TransportError` for whatever kept the answer away.
        """
        sent = False
        compressed = self._compress(body) if self._compress is not None else body
        try:
            connection = self._connected(timeout)
            connection.request("POST", self._target, compressed, self._headers)
            sent = True
            return self._answer(connection)
        except Exception as error:
            # ssl, socket, http.client, codecs: whatever it is, the data is not delivered.
            self.close()
            raise TransportError(error, sent=sent) from error

    def _answer(self, connection: http.client.HTTPConnection) -> Answer:
        response = connection.getresponse()
        body = response.read(1024 * 1024)
        if response.will_close or not response.isclosed():
            self.close()
        return Answer(
            response.status,
            response.getheader("Content-Type") or "",
            response.getheader("Retry-After"),
            body,
            response.getheader("Location"),
        )

    def _connected(self, timeout: float) -> http.client.HTTPConnection:
        """Return the connection, a new one where the server or a new certificate ended the old."""
        certificates = modified(self._otlp)
        if self._connection is not None and (
            self._pid != os.getpid()
            or certificates != self._certificates
            or _is_stale(self._connection)
        ):
            self.close()
        if self._connection is None:
            self._certificates = certificates
            self._connection, self._pid = self._build(timeout), os.getpid()
            self._connection.connect()
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def _build(self, timeout: float) -> http.client.HTTPConnection:
        if self._path is not None:
            return _UnixConnection(self._path, timeout)
        parts = urlsplit(self._otlp.endpoint)
        host, port = parts.hostname or "localhost", parts.port
        via = self._proxy
        if not self._is_https:
            if via is not None:
                self._target = self._otlp.endpoint
                return http.client.HTTPConnection(via.hostname or "", via.port, timeout=timeout)
            return http.client.HTTPConnection(host, port, timeout=timeout)
        context = tls_context(self._otlp)
        if via is None:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        connection = http.client.HTTPSConnection(
            via.hostname or "", via.port, timeout=timeout, context=context
        )
        connection.set_tunnel(
            host, port or 443, headers=_proxy_credentials(via.username, via.password)
        )
        return connection

    def close(self) -> None:
        """Close this process' side; after a fork the other process' connection stays usable."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(OSError):
            if self._pid == os.getpid():
                connection.close()
            else:
                _forget(connection)


def _forget(connection: http.client.HTTPConnection) -> None:
    """
    Close this process' copy of the socket of *connection*, and nothing else of it.

    The thread that read an answer at the fork is not there, but holds the lock of the buffer
    that it read into: closing the answer would wait for it for ever.
    """
    if connection.sock is not None:
        os.close(connection.sock.detach())


def tls_context(otlp: OtlpSettings) -> ssl.SSLContext:
    """Return what certificates *otlp* trusts and shows; raises `OSError` for files it cannot use."""
    context = ssl.create_default_context(cafile=otlp.certificate)
    if otlp.client_certificate:
        context.load_cert_chain(otlp.client_certificate, otlp.client_key)
    return context


_NOBODY = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOENT})


def _is_nobody(error: Exception) -> bool:
    """Return whether *error* says that nothing listens, or that a name means nothing."""
    if isinstance(error, socket.gaierror):
        return True
    return isinstance(error, OSError) and error.errno in _NOBODY


def server_of(endpoint: str) -> str:
    """Return the part of *endpoint* that says whom to connect to."""
    if endpoint.startswith(_UNIX):
        return _UNIX + endpoint.removeprefix(_UNIX).partition(":")[0]
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _target(endpoint: str) -> tuple[str | None, str]:
    """Return the path of the Unix socket, if it is one, and the target of the request."""
    if endpoint.startswith(_UNIX):
        path, _, target = endpoint.removeprefix(_UNIX).partition(":")
        return path, target or "/"
    parts = urlsplit(endpoint)
    return None, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """Return whether the server has closed the idle connection, or said what nobody asked for."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _proxy_credentials(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    token = base64.b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {token}"}
