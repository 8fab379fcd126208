"""The profile `demo` of docker-compose.yml: its command lines and variables, run natively."""

import contextlib
import functools
import os
import re
import signal
import subprocess
import sys

from pathlib import Path

import httpx
import pytest

from tests.servers import program
from tests.stack.build import ROOT
from tests.stack.compose import load
from tests.stack.launch import NATIVE
from tests.stack.query import jaeger_spans, loki_lines, poll_until, prometheus_samples


SERVICES = load()["services"]
DEMO = [name for name, body in SERVICES.items() if body.get("profiles") == ["demo"]]
BIN = Path(sys.executable).parent
SECONDS = 180


def native(program_name):
    """The program that the image has under that name."""
    beside = BIN / program_name
    return str(beside) if beside.exists() else program(program_name, program_name)


def healthy(stack, name):
    """Whether the health check of a service, as the file has it, succeeds on loopback."""
    _, tool, *arguments = [
        stack.local(name, part) for part in SERVICES[name]["healthcheck"]["test"]
    ]
    if tool == "redis-cli":
        arguments = ["-p", str(stack.port("redis", 6379)), *arguments]
    done = subprocess.run([native(tool), *arguments], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


@pytest.fixture(scope="module")
def shop(stack, tmp_path_factory):
    """The three services of the profile beside the stack; the address of the shop."""
    output = tmp_path_factory.mktemp("shop") / "output"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with contextlib.ExitStack() as running, output.open("wb") as printed:
        for name in ("redis", "shop", "worker"):
            (tool, *arguments), environ = stack.native(name)
            if name == "redis":
                arguments += ["--port", str(stack.port(name, 6379)), "--bind", "127.0.0.1"]
            process = running.enter_context(
                subprocess.Popen(
                    [native(tool), *arguments],
                    env={**clean, **environ},
                    stdout=printed,
                    stderr=printed,
                    cwd=output.parent,
                )
            )
            running.callback(process.send_signal, signal.SIGTERM)
        try:
            for name in DEMO:
                poll_until(functools.partial(healthy, stack, name), SECONDS, name)
        except TimeoutError as error:
            error.add_note(output.read_text()[-3000:])
            raise
        yield f"http://127.0.0.1:{stack.port('shop', 8000)}"


def test_every_service_is_run_by_a_test():
    """What the file starts, the tests start natively, except Grafana."""
    images = {str(body.get("image")).partition(":")[0] for body in SERVICES.values()}

    assert {"shop", "worker", "redis"} == set(DEMO)
    assert images - NATIVE.keys() == {"grafana/grafana", "redis", "None"}


@pytest.mark.stack
@pytest.mark.services
def test_an_order_is_one_story_in_all_backends(shop, stack):
    """An order is one trace over shop and worker, and its lines are found by the trace id."""
    trace_id = httpx.post(f"{shop}/orders", json={"product_id": 1, "quantity": 2}).headers[
        "x-request-id"
    ]

    def arrived():
        spans = jaeger_spans(stack.jaeger, trace_id)
        services = [span.resource["service.name"] for span in spans if span.kind in {2, 5}]
        return spans if sorted(services) == ["shop", "shop-worker", "shop-worker"] else None

    spans = poll_until(arrived, SECONDS, "the spans of shop and worker")
    assert {"INSERT orders", "UPDATE orders"} <= {span.name for span in spans}
    assert {span.resource["service.namespace"] for span in spans} == {"shop"}

    def logged():
        lines = loki_lines(stack.loki, f'{{service_name=~"shop.*"}} | trace_id="{trace_id}"')
        return {text for _, text in lines} >= {"order.placed", "order.paid", "receipt.sent"}

    poll_until(logged, SECONDS, "the lines of the order")


@pytest.mark.stack
@pytest.mark.services
def test_the_cache_is_used(shop, stack):
    """A product that was looked at comes from Redis, and the numbers arrive."""
    for _ in range(2):
        answer = httpx.get(f"{shop}/products/2")
        assert answer.status_code == 200
    trace_id = answer.headers["x-request-id"]

    def arrived():
        systems = {
            span.attributes.get("db.system.name") for span in jaeger_spans(stack.jaeger, trace_id)
        }
        return systems == {None, "redis"}

    poll_until(arrived, SECONDS, "the span of the cache, and no query")
    count = 'http_server_request_duration_seconds_count{service_name="shop",http_route="/products/{product_id}"}'
    poll_until(lambda: prometheus_samples(stack.prometheus, count), SECONDS, "the counts")


def test_the_dockerfile_builds_from_a_checkout_and_from_the_index():
    """What is copied is what the build needs, and what is copied exists."""
    folder = ROOT / "collector" / "shop"
    text = (folder / "Dockerfile").read_text()
    kept = re.findall(r"^!(.+)$", (folder / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert [name for name in kept if not (ROOT / name).exists()] == []
    assert {"otel_flow", "collector", "pyproject.toml", "README.md", "LICENSE"} <= set(kept)
    assert '"/source[demo]"' in text
    assert '"otel-flow[demo]"' in text
    assert re.search(r"^USER shop$", text, re.MULTILINE)
    for name in ("shop", "worker"):
        build = SERVICES[name]["build"]
        assert (ROOT / build["context"] / build["dockerfile"]).samefile(folder / "Dockerfile")
