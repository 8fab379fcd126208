"""A sink for OTLP/HTTP in a process of its own, which counts bytes by the first part of the path."""

import collections
import contextlib
import http.server
import json
import multiprocessing
import time
import urllib.request


_counts = collections.Counter()

_OF_VENDORS = {
    "v0.4": "ddtrace",
    "v0.5": "ddtrace",
    "v0.7": "ddtrace",
    "v1.0": "ddtrace",
    "api": "sentry",
}
"""The first part of the paths of protocols that are not OTLP, and whose they are."""


class _Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    delay = 0.0
    """Seconds until an answer."""

    def do_POST(self):
        time.sleep(self.delay)
        # Chunked bodies, as agents of vendors are sent, are read by their own lengths.
        body = self._chunks() if "Content-Length" not in self.headers else self._whole()
        _counts[_OF_VENDORS.get(self.path.split("/")[1], self.path.split("/")[1])] += body
        self._answer(b"{}" if self.path.split("/")[1] in _OF_VENDORS else b"")

    def do_PUT(self):
        self.do_POST()

    def _whole(self):
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        return length

    def _chunks(self):
        read = 0
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
            read += size
        self.rfile.readline()
        return read

    def do_GET(self):
        self._answer(json.dumps(_counts).encode())

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that end without saying goodbye."""


def _serve(connection, delay):
    _Sink.delay = delay
    server = _Server(("127.0.0.1", 0), _Sink)
    connection.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def sink(delay=0.0):
    """Yield the port of a sink that answers after *delay* seconds."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, delay), daemon=True
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def received(port):
    """Return the bytes that each contender has sent."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        return json.load(answer)
