"""A service that got 200 mixed requests, and what the three backends have of it."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time

from pathlib import Path

import httpx
import pytest

from tests.stack.query import (
    jaeger_service_spans,
    loki_lines,
    poll_until,
    prometheus_samples,
)


HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
SECONDS = 90

REQUESTS = [
    *(("/items/1", 200) for _ in range(100)),
    *(("/items/1000", 404) for _ in range(20)),
    *(("/nowhere", 404) for _ in range(20)),
    *(("/items/one", 422) for _ in range(30)),
    *(("/fail", 500) for _ in range(30)),
]
RESOURCE = {
    "service.version": "1.2.3",
    "service.namespace": "e2e",
    "deployment.environment.name": "test",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a service and its client saw of 200 requests."""

    service: str
    statuses: list[int]
    lines: list[dict]
    code: int
    ended: float
    """Unix time in seconds; five minutes later, Prometheus no longer looks back on the run."""

    @property
    def own_lines(self):
        """The lines of requests; what the server says about itself has no trace."""
        return [line for line in self.lines if "trace_id" in line]


@contextlib.contextmanager
def serving(endpoint, output, service, *wrapper, app="shop:app", **environ):
    """The service under uvicorn; what it prints goes to the file *output* and one beside it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with (
        output.open("wb") as stdout,
        output.with_suffix(".err").open("wb") as stderr,
        subprocess.Popen(
            [*wrapper, BIN / "uvicorn", "--app-dir", HERE, "--port", "0", app],
            env={
                **clean,
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_SERVICE_NAME": service,
                "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{k}={v}" for k, v in RESOURCE.items()),
                "OTEL_FLOW_LOG_FORMAT": "json",
                **environ,
            },
            stdout=stdout,
            stderr=stderr,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def address_in(output):
    """The address that uvicorn says it serves, on stdout by our chain or on stderr by its own."""

    def found():
        text = output.read_text() + output.with_suffix(".err").read_text()
        return re.search(r"running on (http://127\.0\.0\.1:\d+)", text)

    return poll_until(found, SECONDS, "uvicorn")[1]


def ask(address):
    # uvicorn closes the connection of a request that raised.
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=address, limits=limits) as client:

        def status(request):
            return client.get(request[0]).status_code

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(status, REQUESTS))


WAYS = {
    "explicit": ((), {"EXPLICIT": "1"}),
    "wrapper": ((BIN / "opentelemetry-instrument",), {}),
}


@pytest.fixture(scope="session")
def runs(stack, tmp_path_factory):
    """The run of each way in, made when it is asked for and kept."""

    @functools.cache
    def run(way):
        service, (wrapper, environ) = f"shop-{way}", WAYS[way]
        output = tmp_path_factory.mktemp(service) / "stdout"
        with serving(stack.otlp_http, output, service, *wrapper, **environ) as process:
            statuses = ask(address_in(output))
        lines = list(map(json.loads, output.read_text().splitlines()))
        return Run(service, statuses, lines, process.returncode, time.time())

    return run


@pytest.fixture(params=WAYS)
def run(request, runs):
    return runs(request.param)


@pytest.fixture
def spans(run, stack):
    """Every span in Jaeger of the traces that the service took part in."""

    def found():
        spans = jaeger_service_spans(stack.jaeger, run.service)
        return spans if len(spans) >= len(REQUESTS) else None

    return poll_until(found, SECONDS, "the spans in Jaeger")


@pytest.fixture
def logged(run, stack):
    """The lines in Loki, labels and text; the service writes a few about itself, too."""

    def found():
        lines = loki_lines(stack.loki, f'{{service_name="{run.service}"}}')
        return lines if len(lines) >= len(run.lines) else None

    return poll_until(found, SECONDS, "the lines in Loki")


@pytest.fixture
def samples(run, stack):
    """The counts of requests in Prometheus."""
    count = f'http_server_request_duration_seconds_count{{service_name="{run.service}"}}'
    return poll_until(
        lambda: prometheus_samples(stack.prometheus, count, at=run.ended),
        SECONDS,
        "the counts in Prometheus",
    )
