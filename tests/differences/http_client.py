"""httpx and requests under contrib's instrumentations and under ours."""

from __future__ import annotations

import contextlib
import http.server
import threading

from typing import Any

import httpx
import requests

from tests.differences.side import step


TITLE = "HTTP clients: httpx and requests"
AGAINST = "`opentelemetry-instrumentation-httpx` and `-requests`"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        statuses = {"/missing": 404, "/moved": 302}
        self.send_response(statuses.get(self.path, 200))
        if self.path == "/moved":
            self.send_header("location", "/here")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def run(side: str, providers: Any, notes: dict[str, str]) -> None:
    if side == "ours":
        from otel_flow.instrumentation import httpx as ours_httpx
        from otel_flow.instrumentation import requests as ours_requests

        ours_httpx.instrument(telemetry=providers)
        ours_requests.instrument(telemetry=providers)
    else:
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.instrumentation.requests import RequestsInstrumentor

        HTTPXClientInstrumentor().instrument(**providers)
        RequestsInstrumentor().instrument(**providers)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    port = notes["port"] = str(server.server_address[1])
    ways = {
        "httpx": lambda url: httpx.get(url, follow_redirects=True),
        "requests": requests.get,
    }
    for library, get in ways.items():
        base = f"http://127.0.0.1:{port}"
        with step(f"{library} secret"):
            get(f"http://alice:hunter2@127.0.0.1:{port}/here?token=s3cret&page=2")
        with step(f"{library} missing"):
            get(f"{base}/missing")
        with step(f"{library} moved"):
            get(f"{base}/moved")
        with step(f"{library} refused"), contextlib.suppress(Exception):
            get("http://127.0.0.1:9/")
    server.shutdown()
    thread.join()
    server.server_close()


def first(arrived, name):
    return arrived.spans(name, "CLIENT")[0]


def url(library):
    def read(arrived):
        found = first(arrived, f"{library} secret").attributes["url.full"]
        return f"`{found.replace(arrived.notes['port'], 'PORT')}`"

    return read


def missing(library):
    def read(arrived):
        span = first(arrived, f"{library} missing")
        failed = "error" if span.failed else "no error"
        return f"{failed}, `error.type` {span.attributes.get('error.type', 'absent')}"

    return read


def refused(library):
    def read(arrived):
        span = first(arrived, f"{library} refused")
        events = span.events.count("exception")
        return (
            f"`error.type` {span.attributes.get('error.type', 'absent')}, "
            f"{events} span event{'' if events == 1 else 's'}"
        )

    return read


def moved(library):
    def read(arrived):
        return ", ".join(
            str(span.attributes["http.response.status_code"])
            for span in arrived.spans(f"{library} moved", "CLIENT")
        )

    return read


def points(arrived):
    found = arrived.points("http.client.request.duration")
    return str(sum(point["count"] for point in found))


ROWS = [
    *(
        (f"{library}: {question}", reader(library))
        for library in ("httpx", "requests")
        for question, reader in (
            ("`url.full` with a password and a token", url),
            ("a response 404", missing),
            ("spans of a redirect that is followed", moved),
            ("nobody is listening", refused),
        )
    ),
    ("Points of the duration for these 10 requests", points),
    ("Metrics", lambda arrived: ", ".join(arrived.metric_names("http."))),
]
