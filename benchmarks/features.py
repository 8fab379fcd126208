"""
What each feature of ours costs: a call with everything on, and with that feature off, in one run.

``python -m benchmarks.features``. A request to FastAPI, whose response h11 writes as under
uvicorn, or a SQL statement with its connection. All variants alternate, each round in a process
of its own; the least of the rounds counts, and the difference is what the feature costs. What is
paid by the second and not by the call is measured on a process that does nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys

from benchmarks import libraries
from benchmarks.library_rows import LIBRARIES
from benchmarks.sink import sink


_WRITTEN = """
import h11
async def send(message):
    if message["type"] == "http.response.start":
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(b"GET /hello HTTP/1.1\\r\\nhost: shop.example\\r\\n\\r\\n")
        connection.next_event()
        headers = list(message["headers"])
        connection.send(h11.Response(status_code=200, headers=headers, reason=b"OK"))
"""

REQUEST = dataclasses.replace(
    LIBRARIES["fastapi"],
    client=LIBRARIES["fastapi"].client.replace("async def send(message): pass", _WRITTEN),
)
STATEMENT = LIBRARIES["sqlalchemy, with its connection"]

_NO_HEADERS = """
from otel_flow.instrumentation.asgi.server import HttpServer
HttpServer.with_headers = lambda server, message, exchange: message
"""
_NO_POOLS = """
from otel_flow.instrumentation.sqlalchemy.pools import PoolUse
PoolUse.borrow = lambda pools, engine, connect, *given, **named: connect(engine, *given, **named)
"""


@dataclasses.dataclass(frozen=True)
class Feature:
    """How a feature is switched off: by its setting, or where it has none by a line of Python."""

    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    patch: str = ""


FEATURES = {
    "request": {
        "the access line": Feature({"OTEL_FLOW_ACCESS_LOG": "false"}),
        "the headers of ids": Feature(patch=_NO_HEADERS),
        "redaction": Feature({"OTEL_FLOW_REDACTION": "off"}),
        "exemplars": Feature({"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}),
        "the cardinality guard": Feature({"OTEL_FLOW_CARDINALITY_LIMIT": "1000000000"}),
        "traces": Feature({"OTEL_TRACES_EXPORTER": "none"}),
        "metrics": Feature({"OTEL_METRICS_EXPORTER": "none"}),
    },
    "statement": {
        "redaction": Feature({"OTEL_FLOW_REDACTION": "off"}),
        "exemplars": Feature({"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}),
        "metrics of the pool": Feature(patch=_NO_POOLS),
    },
}
CALLS = {"request": REQUEST, "statement": STATEMENT}

IDLE = """
import asyncio, os, time
import otel_flow
otel_flow.configure(service_name="bench", metric_interval=5.0).instrument()
async def idle():
    await asyncio.sleep(6)
    before = time.process_time()
    await asyncio.sleep(15)
    print((time.process_time() - before) / 15 * 1e6)
asyncio.run(idle())
os._exit(0)
"""
RUNTIME = {"with the runtime's metrics": "process,gc,eventloop,anyio", "without": "none"}


def run(source: str, variables: dict[str, str], endpoint: str, *arguments: str) -> list[str]:
    """Return the words of the last line that a process of *source* prints."""
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **variables}
    command = [sys.executable, "-c", source, *arguments]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def microseconds(what: str, feature: Feature, endpoint: str) -> float:
    """Return the CPU of the process a call, export included."""
    source = feature.patch + libraries.program(CALLS[what], "otel-flow")
    words = run(source, feature.variables, endpoint, str(CALLS[what].calls), "time", "0")
    return float(words[-1])


def compare(what: str, rounds: int, endpoint: str) -> None:
    """Print what each feature of *what* costs."""
    variants = {"": Feature(), **FEATURES[what]}
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, feature in variants.items():
            found[name].append(microseconds(what, feature, endpoint))
    whole = min(found.pop(""))
    print(f"| a {what} with everything | {whole:.1f} | |")
    for name, figures in found.items():
        cost = whole - min(figures)
        print(f"| {name} | {cost:+.1f} | {cost / whole:.0%} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with sink() as port:
        endpoint = f"http://127.0.0.1:{port}"
        print("| | CPU, µs a call | share |\n|---|---:|---:|")
        for what in FEATURES:
            compare(what, options.rounds, endpoint)
        print("\n| an idle loop | CPU, µs a second |\n|---|---:|")
        for name, groups in RUNTIME.items():
            (figure,) = run(IDLE, {"OTEL_FLOW_RUNTIME": groups}, endpoint)
            print(f"| {name} | {float(figure):.0f} |", flush=True)


if __name__ == "__main__":
    main()
