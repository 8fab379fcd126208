"""Outgoing requests of httpx and requests, to a real server on loopback."""

import asyncio
import http.server
import threading

from typing import ClassVar

import httpx
import pytest
import requests

from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from otel_flow.correlation import bind_request_id, unbind_request_id
from otel_flow.instrumentation import httpx as of_httpx
from otel_flow.instrumentation import requests as of_requests
from otel_flow.instrumentation.outgoing.url import address_of
from tests.recording import Recording


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by path: /redirect, /404, /503, anything else 200; keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list] = []

    def do_GET(self):
        self.seen.append((self.path, dict(self.headers)))
        status = {"/404": 404, "/503": 503, "/redirect": 302}.get(self.path, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/end")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_BREW = do_GET  # noqa: N815 - the name that the standard library looks for

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Answers.seen = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def recording():
    made = Recording()
    yield made
    for library in (of_httpx, of_requests):
        library.uninstrument()
    made.close()


def with_httpx(method, url, **keywords):
    with httpx.Client(follow_redirects=True) as client:
        return client.request(method, url, **keywords)


def with_async_httpx(method, url, **keywords):
    async def send():
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return await client.request(method, url, **keywords)

    return asyncio.run(send())


def with_requests(method, url, **keywords):
    with requests.Session() as session:
        return session.request(method, url, **keywords)


CLIENTS = [with_httpx, with_async_httpx, with_requests]


@pytest.fixture(params=CLIENTS)
def send(request, recording):
    library = of_requests if request.param is with_requests else of_httpx
    library.instrument(telemetry=recording.telemetry)
    return request.param


def test_one_span_and_one_point(recording, server, send):
    """A request is one CLIENT span and one point, and carries the span's context."""
    assert send("GET", f"{server}/items?page=2").text == "ok"

    (span,) = recording.spans()
    port = int(server.rpartition(":")[2])
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.full": f"{server}/items?page=2",
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    (point,) = recording.points("http.client.request.duration")
    assert dict(point.attributes) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    ((_, headers),) = Answers.seen
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["traceparent"].split("-")[2] == f"{span.context.span_id:016x}"


@pytest.mark.parametrize("status", [404, 503])
def test_failed_response(recording, server, send, status):
    """A response from 400 on is an error to the client."""
    send("GET", f"{server}/{status}")

    (span,) = recording.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == str(status)


def test_redirect(recording, server, send):
    """Each hop of a redirect has its own span."""
    send("GET", f"{server}/redirect")

    statuses = [span.attributes["http.response.status_code"] for span in recording.spans()]
    assert statuses == [302, 200]


def test_nobody_answers(recording, send):
    """What the client raises reaches the caller and is on span and point."""
    with pytest.raises((httpx.ConnectError, requests.ConnectionError)) as caught:
        send("GET", "http://127.0.0.1:1/")

    (span,) = recording.spans()
    kind = type(caught.value)
    assert span.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert [event.name for event in span.events] == ["exception"]
    (point,) = recording.points("http.client.request.duration")
    assert point.attributes["error.type"] == span.attributes["error.type"]


def test_credentials_stay_out(recording, server, send):
    """User and password of a URL are on no span."""
    send("GET", server.replace("//", "//alice:s3cret@") + "/x")

    (span,) = recording.spans()
    assert span.attributes["url.full"] == server.replace("//", "//REDACTED:REDACTED@") + "/x"
    assert "s3cret" not in str(span.to_json())


def test_unknown_method(recording, server, send):
    """A method that nobody knows makes no series of its own."""
    send("BREW", f"{server}/x")

    (span,) = recording.spans()
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


def test_request_id_is_sent_on(recording, server, send):
    """A request id that came in goes out too, unless the application has set one."""
    token = bind_request_id("ticket-17")
    try:
        send("GET", f"{server}/one")
        send("GET", f"{server}/two", headers={"X-Request-ID": "own"})
    finally:
        unbind_request_id(token)
    send("GET", f"{server}/three")

    ids = [
        {k.lower(): v for k, v in headers.items()}.get("x-request-id")
        for _, headers in Answers.seen
    ]
    assert ids == ["ticket-17", "own", None]


def test_suppressed(recording, server, send):
    """Where instrumentation is switched off in the context, nothing is recorded or sent."""
    with suppress_instrumentation():
        send("GET", f"{server}/x")

    assert recording.spans() == []
    assert "traceparent" not in {name.lower() for name in Answers.seen[0][1]}


def test_contrib_beneath(recording, server):
    """An instrumented urllib3 beneath requests makes no second span."""
    contrib = URLLib3Instrumentor()
    contrib.instrument(tracer_provider=recording.telemetry.tracer_provider)
    try:
        of_requests.instrument(telemetry=recording.telemetry)
        with_requests("GET", f"{server}/x")
    finally:
        contrib.uninstrument()

    assert len(recording.spans()) == 1


def test_contrib_beside(recording, server):
    """Contrib's httpx instrumentation under ours makes no second span."""
    contrib = HTTPXClientInstrumentor()
    contrib.instrument(tracer_provider=recording.telemetry.tracer_provider)
    try:
        of_httpx.instrument(telemetry=recording.telemetry)
        with_httpx("GET", f"{server}/x")
    finally:
        contrib.uninstrument()

    assert len(recording.spans()) == 1


def test_single_client(recording, server):
    """A client that is named is recorded once, also when all are; others are not, and undo ends it."""
    with httpx.Client() as named, httpx.Client() as other, requests.Session() as session:
        undos = [
            of_httpx.instrument(named, telemetry=recording.telemetry),
            of_httpx.instrument(named, telemetry=recording.telemetry),
            of_requests.instrument(session, telemetry=recording.telemetry),
        ]
        for client in (named, other, session):
            client.get(f"{server}/x")
        assert len(recording.spans()) == 2
        of_httpx.instrument(telemetry=recording.telemetry)
        named.get(f"{server}/x")
        assert len(recording.spans()) == 3
        of_httpx.uninstrument()
        for undo in undos:
            undo()
        for client in (named, session):
            client.get(f"{server}/x")
        assert len(recording.spans()) == 3


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.org/a", "example.org", 443),
        ("http://[::1]:8080/", "::1", 8080),
        ("nothing", "", None),
        ("http://host:99999/", "", None),
    ],
)
def test_addresses(url, host, port):
    """Host and port of a URL, with the port that its scheme implies; a broken one is just shown."""
    address = address_of(url)
    assert (address.host, address.port) == (host, port)
