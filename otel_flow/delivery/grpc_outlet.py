"""
OTLP over gRPC, for whoever chooses it; grpc is imported when the first outlet is built.

The channel is that of grpc, what goes through it are our own encoded requests: they wait
in the same queues, are retried by the same rules and end at the same deadline as those
over HTTP.

grpc cannot be copied by a fork while it runs, not even with its own support for forks
(https://github.com/grpc/grpc/blob/master/doc/fork_support.md). So a fork waits a moment for the call that is
under way and ends it where it takes longer, which is then repeated and counted as a
possible duplicate; then the channels are closed, and with the last of them grpc itself ends.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otel_flow.delivery.certificates import contents, modified
from otel_flow.delivery.grpc_status import judge_code, retry_delay
from otel_flow.delivery.outlet import ignore_request
from otel_flow.delivery.verdict import Verdict
from otel_flow.errors import MissingDependencyError
from otel_flow.names.delivery import EXPORTER_TYPES
from otel_flow.otlp import parse_response


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.delivery.chunk import Chunk
    from otel_flow.settings import OtlpSettings


_METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_THREADS = ("event_engine", "grpc_", "lifeguard")
"""What the names of grpc's own threads begin with."""
_PATIENCE = 0.1
"""Seconds that a fork waits for the call that is under way, and again for its end."""


class GrpcOutlet:
    """
    The channel of one signal.

    Raises `MissingDependencyError` where grpc is not installed.
    """

    takes_nothing = False
    """Each fork would wait for such a call to end."""

    def __init__(self, signal: str, otlp: OtlpSettings) -> None:
        self.component_type = EXPORTER_TYPES[signal].format("grpc")
        self._signal = signal
        self._otlp = otlp
        self._target = _target(otlp.endpoint)
        self._plain = otlp.insecure or self._target.startswith("unix:")
        # A scheme, so that host and port can be told apart.
        self.endpoint = otlp.endpoint if "://" in otlp.endpoint else f"http://{otlp.endpoint}"
        self.on_request: Callable[[float, int | None, str | None], None] = ignore_request
        self._grpc = _import_grpc()
        self._inherited: list[Any] = []
        self._certificates: tuple[float, ...] = ()
        self._channel: Any = None
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._calling = threading.Lock()
        self._held = False

    def post(self, chunk: Chunk, timeout: float) -> Verdict:
        """Send *chunk* as one call that ends after *timeout* seconds."""
        started = time.monotonic()
        with self._calling:
            # grpc, the files of TLS: whatever it is, the data is not delivered.
            try:
                answer = self._call(chunk.body, timeout)
            except Exception as error:
                verdict, code = self._failed(error)
                self.on_request(time.monotonic() - started, None, code)
                return verdict
        self.on_request(time.monotonic() - started, None, None)
        partial = parse_response(answer)
        return Verdict("delivered", partial.message, rejected=partial.rejected)

    def _call(self, body: bytes, timeout: float) -> bytes:
        export = self._connected().unary_unary(_METHODS[self._signal])
        # Names of metadata are lower case in gRPC.
        metadata = tuple((name.lower(), value) for name, value in self._otlp.headers)
        answer: bytes = export(body, timeout=timeout, metadata=metadata)
        return answer

    def _connected(self) -> Any:
        """Return the channel, a new one where a certificate was replaced."""
        certificates = () if self._plain else modified(self._otlp)
        if self._channel is not None and certificates != self._certificates:
            self.close()
        if self._channel is None:
            self._certificates = certificates
            self._channel = self._build()
        return self._channel

    def _build(self) -> Any:
        compressions = self._grpc.Compression
        known = {"gzip": compressions.Gzip, "deflate": compressions.Deflate}
        compression = known.get(self._otlp.compression, compressions.NoCompression)
        if self._plain:
            return self._grpc.insecure_channel(self._target, compression=compression)
        credentials = self._grpc.ssl_channel_credentials(*contents(self._otlp))
        return self._grpc.secure_channel(self._target, credentials, compression=compression)

    def _failed(self, error: Exception) -> tuple[Verdict, str]:
        """Return what *error* means, and its short name."""
        if not isinstance(error, self._grpc.RpcError):
            return Verdict("retry", f"{type(error).__name__}: {error}"), type(error).__name__
        call: Any = error
        code, details = call.code().name, call.details() or ""
        if code == "UNAVAILABLE":
            # A channel that failed waits ever longer before it connects again.
            self.close()
        return judge_code(self._signal, code, details, retry_delay(call.trailing_metadata())), code

    def close(self) -> None:
        """Close the channel, which ends the call that is under way; in a forked child forget it."""
        channel, self._channel = self._channel, None
        if self._pid != os.getpid():
            # Closing, or collecting, what belongs to the parent may hang.
            self._inherited += [channel] if channel is not None else []
            self._renew()
        elif channel is not None:
            with contextlib.suppress(Exception):
                channel.close()

    def hold(self) -> None:
        """Have no call under way, and no channel, while the process forks."""
        self._held = self._calling.acquire(timeout=_PATIENCE)
        self.close()
        if not self._held:
            self._held = self._calling.acquire(timeout=_PATIENCE)

    def is_still(self) -> bool:
        """Return whether no thread of grpc is left; others than us may keep it running."""
        return not any(name.startswith(_THREADS) for name in _thread_names())

    def release(self) -> None:
        """Let calls begin again, after the fork, in the parent."""
        if self._held:
            self._held = False
            self._calling.release()


def _thread_names() -> Iterator[str]:
    """Yield the names of the threads of this process, as the system knows them, where it does."""
    # Threads end while they are listed.
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                yield (task / "comm").read_text()


def _target(endpoint: str) -> str:
    """Return what grpc calls the target: without a scheme that is not its own."""
    parts = urlsplit(endpoint)
    return parts.netloc if parts.scheme in {"http", "https"} else endpoint


def _import_grpc() -> Any:
    try:
        grpc = importlib.import_module("grpc")
    except ImportError as error:
        raise MissingDependencyError("OTLP over gRPC", "otel-flow[grpc]") from error
    # What its first channel imports, on the thread that sends; see `transport`.
    for name in ("grpc._channel", "grpc.experimental"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    return grpc
