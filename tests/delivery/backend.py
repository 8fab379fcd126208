"""A real HTTP backend on loopback that answers as a test scripts it."""

import contextlib
import gzip
import http.server
import socket
import threading
import time
import urllib.parse
import zlib

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Backend:
    """Keeps what it accepted; *script* holds the answers to come, then everything is a 200."""

    def __init__(self, tls=None, port=0):
        self.script = []
        self.accepted = []
        self.attempts = []
        self.refuse = lambda _: None
        handler = type("Handler", (_Handler,), {"backend": self})
        self._server = _Server(("127.0.0.1", port), handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, signal, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}/v1/{signal}"

    def spans(self):
        return [
            s
            for r in self._of("/v1/traces")
            for g in r.resource_spans
            for c in g.scope_spans
            for s in c.spans
        ]

    def logs(self):
        return [
            s
            for r in self._of("/v1/logs")
            for g in r.resource_logs
            for c in g.scope_logs
            for s in c.log_records
        ]

    def metrics(self):
        return [
            s
            for r in self._of("/v1/metrics")
            for g in r.resource_metrics
            for c in g.scope_metrics
            for s in c.metrics
        ]

    def _of(self, path):
        return [request for where, request in self.accepted if where == path]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    backend: Backend

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding")
        body = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(encoding, bytes)(body)
        path = urllib.parse.urlsplit(self.path).path
        self.backend.attempts.append((self.path, dict(self.headers)))
        if path not in REQUESTS:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        request = REQUESTS[path].FromString(body)
        answer = self.backend.script.pop(0) if self.backend.script else {}
        answer = self.backend.refuse(request) or answer
        time.sleep(answer.get("delay", 0))
        if answer.get("drop"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status = answer.get("status", 200)
        if status == 200:
            self.backend.accepted.append((self.path, request))
        payload = answer.get("body", b"")
        self.send_response(status)
        self.send_header("Content-Type", answer.get("type", "application/x-protobuf"))
        self.send_header("Content-Length", str(len(payload)))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        answer.get("halfway", bool)()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def black_hole():
    """Yield the port of a socket that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield listening.getsockname()[1]


def until(condition, seconds=10.0):
    """Wait until *condition* holds; fail when it does not within *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.005)
