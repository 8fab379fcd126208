"""A sink for OTLP/HTTP in a process of its own, which counts bytes by the first part of the path."""

import collections
import contextlib
import http.server
import json
import multiprocessing
import urllib.request


_counts = collections.Counter()


class _Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        _counts[self.path.split("/")[1]] += int(self.headers["Content-Length"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

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


def _serve(connection):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    connection.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def sink():
    """Yield the port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), daemon=True
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
