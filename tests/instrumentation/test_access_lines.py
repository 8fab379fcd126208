"""The line of each request, whose short way past structlog says what the long one says."""

import asyncio
import json

import httpx
import pytest
import structlog

from fastapi import FastAPI

from tests.recording import Recording


DIFFERING = {"timestamp", "trace_id", "span_id", "otel_flow.http.duration"}
REQUESTS = (
    ("/items/3", {}),
    ("/items/3", {"x-request-id": "ticket-17"}),
    ("/items/3", {"x-request-id": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlX29mX2l0"}),
    ("/items/sk_live_4eC39HqLyjWDarjtT1zdp7dc", {}),
    ("/items/%C3%A9%F0%9F%9B%92", {}),
    ("/nowhere", {}),
    ("/boom", {}),
)


def shop():
    app = FastAPI()

    @app.get("/items/{name}")
    async def item(name: str):
        return name

    @app.get("/boom")
    async def boom():
        raise ValueError("no such luck")

    return app


async def ask(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        for path, headers in REQUESTS:
            await client.get(path, headers=headers)


def without(told):
    """What is told in each line or record but for what differs from one request to the next."""
    own = {line.get("trace_id") for line in told}
    return [
        {
            key: "the trace's" if key == "request_id" and value in own else value
            for key, value in line.items()
            if key not in DIFFERING
        }
        for line in told
    ]


class Service:
    """An instrumented application whose access lines take the *short* way, or the long one."""

    def __init__(self, *, short=True, **keywords):
        self.recording = Recording(**keywords)
        if not short:
            self.recording.telemetry._recurring = lambda *_: None
        self.app = shop()
        self.recording.telemetry.instrument(self.app)

    def records(self):
        """The attributes of the records of access lines."""
        found = [r for r in self.recording.records() if r.body == "otel_flow.http.request"]
        ids = [(r.trace_id, r.span_id) for r in found]
        spans = [(s.context.trace_id, s.context.span_id) for s in self.recording.spans()]
        return [{**r.attributes, "severity": r.severity_text} for r in found], ids == spans


@pytest.fixture
def told(capsys):
    """What is told of all requests: the lines, the records, and whether these have their spans' ids."""
    services = []

    def told(**keywords):
        service = Service(**keywords)
        services.append(service)
        asyncio.run(ask(service.app))
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found = [line for line in lines if line.get("event") == "otel_flow.http.request"]
        service.recording.close()
        return found, *service.records()

    return told


def test_both_ways_tell_the_same(told):
    """The line and the record of a request are the same by the short way and by the long one."""
    lines, records, correlated = told()
    other_lines, other_records, _ = told(short=False)

    assert len(lines) == len(REQUESTS)
    assert correlated
    assert without(lines) == without(other_lines)
    traces = [{**r, "trace_id": line["trace_id"]} for r, line in zip(records, lines, strict=True)]
    others = zip(other_records, other_lines, strict=True)
    assert without(traces) == without([{**r, "trace_id": line["trace_id"]} for r, line in others])


@pytest.mark.parametrize(
    "policy",
    [
        {"redaction": "off"},
        {"redaction_mode": "drop"},
        {"redaction_keys": ("client.address", "request_id")},
        {"redaction_safe_keys": ("url.path",)},
        {"redaction_options": ("ip",)},
        {"redaction_callback": lambda found: f"<{found.category}>"},
    ],
    ids=lambda policy: next(iter(policy)),
)
def test_policies_hold_on_both_ways(told, policy):
    """What a policy lets through, and what it puts in the place of a secret, is the same by both ways."""
    ways = [told(short=short, **policy)[0] for short in (True, False)]

    assert len(ways[0]) == len(REQUESTS)
    assert without(ways[0]) == without(ways[1])


@pytest.fixture
def service():
    """An instrumented application."""
    made = Service()
    yield made
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    made.recording.close()


def test_processors_of_the_application_see_it(service):
    """An application that configures structlog gets the access line through its own processors."""
    seen = []

    def own(_logger, _name, event):
        seen.append(event["event"])
        return event

    structlog.configure(processors=[own, structlog.processors.JSONRenderer()])
    asyncio.run(ask(service.app))

    assert seen.count("otel_flow.http.request") == len(REQUESTS)


def test_it_is_captured(service):
    """Within `structlog.testing.capture_logs` the access line is captured, and not written."""
    with structlog.testing.capture_logs() as captured:
        asyncio.run(ask(service.app))

    events = [event["event"] for event in captured]
    assert events.count("otel_flow.http.request") == len(REQUESTS)
    assert service.records()[0] == []


def test_it_has_what_is_bound(service):
    """What ``structlog.contextvars`` has bound to a request stands in its access line."""
    structlog.contextvars.bind_contextvars(tenant="blue")
    asyncio.run(ask(service.app))
    records, _ = service.records()

    assert [record["tenant"] for record in records] == ["blue"] * len(REQUESTS)


def test_its_level_can_be_raised(service):
    """Where the logger's level is above INFO there is neither line nor record."""
    service.recording.telemetry.set_log_level("WARNING", "otel_flow.http")
    asyncio.run(ask(service.app))

    assert service.records()[0] == []
