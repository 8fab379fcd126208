"""The access logs of real servers beside ours: a request has one line, whoever writes it."""

import httpx
import pytest
import websockets.sync.client

from tests.serving import SECONDS, behind


APP = """
from fastapi import FastAPI, WebSocket

app = FastAPI()

@app.get("/items/{item_id}")
async def item(item_id: int):
    return item_id

@app.get("/healthz")
async def health():
    return "ok"

@app.websocket("/socket")
async def socket(websocket: WebSocket):
    await websocket.accept()
    await websocket.close()

async def bare(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""

SERVERS = {
    "uvicorn": "uvicorn --port {port}",
    "hypercorn": "hypercorn --bind 127.0.0.1:{port} --access-logfile -",
    "granian": "granian --interface asgi --port {port} --access-log",
    "gunicorn": "gunicorn --bind 127.0.0.1:{port} --access-logfile - -k asgi",
    "gunicorn with uvicorn's worker": (
        "gunicorn --bind 127.0.0.1:{port} --access-logfile - -k uvicorn_worker.UvicornWorker"
    ),
}

NOTHING = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def serving(server, folder, app="app", **environ):
    """The port of *app* behind *server* under ``otel-flow run``, which exports nothing."""
    return behind(SERVERS[server], folder, APP, app=app, **NOTHING, **environ)


def ask(port, *paths):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
        for path in paths:
            assert client.get(path).status_code == 200


def lines_about(path, folder):
    return [line for line in (folder / "output").read_text().splitlines() if path in line]


@pytest.mark.parametrize("server", SERVERS)
def test_a_request_has_one_line(server, tmp_path):
    """With the server's access log on, ours is the one line of a request, and a probe has none."""
    with serving(server, tmp_path) as port:
        ask(port, "/healthz", "/items/17?page=2", "/healthz", "/items/18")

    for path in ("/items/17", "/items/18"):
        (line,) = lines_about(path, tmp_path)
        assert '"event":"otel_flow.http.request"' in line
    assert lines_about("/healthz", tmp_path) == []


@pytest.mark.fidelity
@pytest.mark.parametrize("server", SERVERS)
def test_without_ours_the_line_is_the_servers(server, tmp_path):
    """Where ours is off, the server's own line is written, and still none of a probe."""
    with serving(server, tmp_path, OTEL_FLOW_ACCESS_LOG="false") as port:
        ask(port, "/healthz", "/items/17?page=2", "/healthz", "/items/18")

    for path in ("/items/17", "/items/18"):
        (line,) = lines_about(path, tmp_path)
        assert "otel_flow.http.request" not in line
    assert lines_about("/healthz", tmp_path) == []


@pytest.mark.parametrize(
    "server",
    [
        "uvicorn",
        *(pytest.param(name, marks=pytest.mark.fidelity) for name in SERVERS if name != "uvicorn"),
    ],
)
def test_an_application_that_is_not_ours_keeps_its_lines(server, tmp_path):
    """What nobody of ours records is in the server's access log as ever."""
    with serving(server, tmp_path, app="bare") as port:
        ask(port, "/items/17")

    assert len(lines_about("/items/17", tmp_path)) == 1


@pytest.mark.fidelity
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("ours", ["true", "false"])
def test_a_websocket_has_one_line(server, ours, tmp_path):
    """A connection has our line, or by setting the server's, where it has one."""
    with serving(server, tmp_path, OTEL_FLOW_ACCESS_LOG=ours) as port:
        ask(port, "/items/17")
        url = f"ws://127.0.0.1:{port}/socket"
        with websockets.sync.client.connect(url, proxy=None, open_timeout=SECONDS) as connection:
            assert list(connection) == []

    lines = lines_about("/socket", tmp_path)
    if ours == "true" or server in WITH_HANDSHAKES:
        (line,) = lines
        assert ('"event":"otel_flow.websocket.connection"' in line) is (ours == "true")
    else:
        assert lines == []


WITH_HANDSHAKES = set(SERVERS) - {"gunicorn"}
"""Servers whose access log has the handshakes of WebSockets."""
