"""The server: OTLP over HTTP, a thread a connection, within bounds."""

from __future__ import annotations

import contextlib
import errno
import http.server
import socket
import threading

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.rpc.status_pb2 import Status

from otel_flow.otlp.receiver.body import RefusedError, read_body
from otel_flow.otlp.receiver.decode import SIGNALS, UnreadableError, decode


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from otel_flow.otlp.receiver.values import Batch


BODY_LIMIT = 16 * 1024 * 1024
_REQUESTS = 8
"""Requests that are read and decoded at a time; further ones are asked to come again."""
_CONNECTIONS = 64
_IDLE_SECONDS = 30
_POLL_SECONDS = 0.05
_LINGER_SECONDS = 2
_LINGER_BYTES = 4 * BODY_LIMIT
_PIECE = 64 * 1024

_SIGNAL_OF = {f"/v1/{signal}": signal for signal in SIGNALS}
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"


class PortTakenError(OSError):
    """The port that was asked for belongs to another program."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        super().__init__(errno.EADDRINUSE, f"port {port} of {host} is taken")


class Receiver:
    """
    Takes OTLP/HTTP, protobuf or JSON, plain or compressed, and hands on what it decoded.

    *deliver* is called with each batch, *refused* with the reason of each request that
    is not taken, both from the thread of a connection and several at a time. At most
    eight bodies of 16 MiB are held at once. It listens when it is made; port 0 is any
    free one. Raises `PortTakenError`. Leaving its block stops it.
    """

    def __init__(
        self,
        deliver: Callable[[Batch], object],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        refused: Callable[[str], object] = lambda _reason: None,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.deliver = deliver
        self.refused = refused
        self.body_limit = body_limit
        self.room = threading.BoundedSemaphore(_REQUESTS)
        try:
            self._server = _Server((host, port), self)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(host, port) from None
            raise
        self.port: int = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.endpoint = f"http://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="otlp-receiver"
        )
        self._thread.start()

    def stop(self) -> None:
        """End the connections and their threads; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.end_connections()
            self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: Receiver) -> None:
        self.receiver = receiver
        self._connections: set[socket.socket] = set()
        self._changed = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the standard library makes."""
        # SO_REUSEADDR stays: on Linux it shares no port that somebody listens on.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take a connection if there are not too many."""
        del client_address
        with self._changed:
            if len(self._connections) >= _CONNECTIONS:
                return False
            self._connections.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        with self._changed:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that wait for a client."""
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away in the middle."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "otel-flow"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        try:
            batch = self._batch(receiver)
        except RefusedError as error:
            self._refuse(error.status, str(error))
            return
        if len(batch):
            # What looks at the batch is no business of the client, which has delivered it.
            try:
                receiver.deliver(batch)
            except Exception as error:
                receiver.refused(f"{type(error).__name__}: {error}")
        self._answer(200, b"{}" if self._is_json() else b"")

    def _batch(self, receiver: Receiver) -> Batch:
        signal = _SIGNAL_OF.get(self.path.partition("?")[0])
        if signal is None:
            raise RefusedError(404, f"{self.path!r} is none of {', '.join(_SIGNAL_OF)}")
        content_type = self.headers.get_content_type()
        if content_type not in {_PROTOBUF, _JSON}:
            raise RefusedError(415, f"content type {content_type} is neither protobuf nor JSON")
        if not receiver.room.acquire(blocking=False):
            raise RefusedError(503, "too many requests at a time")
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = read_body(self.rfile, headers, receiver.body_limit)
            return decode(signal, body, is_json=content_type == _JSON)
        except UnreadableError as error:
            raise RefusedError(400, str(error)) from error
        finally:
            receiver.room.release()

    def _is_json(self) -> bool:
        return bool(self.headers) and self.headers.get_content_type() == _JSON

    def _refuse(self, status: int, reason: str) -> None:
        # What is left of the body would be read as the next request.
        self.close_connection = True
        self.server.receiver.refused(reason)
        message = Status(message=reason)
        as_json = json_format.MessageToJson(message).encode()
        self._answer(status, as_json if self._is_json() else message.SerializeToString())
        self._linger()

    def _linger(self) -> None:
        """Read what the client still sends: closing at once would take the answer from it."""
        self.connection.settimeout(_LINGER_SECONDS)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            left = _LINGER_BYTES
            while left > 0 and (piece := self.rfile.read1(_PIECE)):
                left -= len(piece)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the standard library cannot take: other methods, broken request lines."""
        del explain
        reason = message or f"HTTP {int(code)}"
        if self.requestline.startswith("PRI * HTTP/2"):
            reason = "a gRPC client; this is OTLP/HTTP: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        self._refuse(code, reason)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", _JSON if self._is_json() else _PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the terminal to what arrived."""
