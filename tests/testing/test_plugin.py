"""The fixtures that users' tests get, in runs of pytest of their own."""

import pytest


APPLICATION = """
import asyncio

import structlog

from fastapi import FastAPI
from opentelemetry import metrics, trace

import otel_flow

from otel_flow import measure

tracer = trace.get_tracer("shop")
orders = metrics.get_meter("shop").create_counter("orders", unit="{order}")
log = structlog.get_logger("shop")


def create_app():
    otel_flow.configure(service_name="shop")
    app = FastAPI()
    otel_flow.instrument(app)

    @app.get("/items/{item_id}")
    async def item(item_id: int):
        with tracer.start_as_current_span("lookup", attributes={"item": item_id}):
            orders.add(1, {"kind": "new"})
            log.info("looked up", item_id=item_id)
        return {}

    return app


async def get(app, path):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"",
             "scheme": "http", "http_version": "1.1"}
    await app(scope, receive, send)
    return sent[0]["status"]
"""

TESTS = """
import asyncio
import pprint

import pytest

from shop import create_app, get


def go(recorded, path="/items/7"):
    app = create_app()
    status = asyncio.run(get(app, path))
    recorded.app = app
    return status


@pytest.mark.parametrize("turn", [1, 2])
def test_everything(recorded_telemetry, turn, request):
    assert go(recorded_telemetry) == 200
    seen = (recorded_telemetry.spans(), recorded_telemetry.logs(), recorded_telemetry.points())
    with open(f"seen-{turn}", "w") as file:
        pprint.pprint(seen, file)


def test_one(recorded_telemetry):
    go(recorded_telemetry)
    server = recorded_telemetry.span("GET /items/{item_id}")
    lookup = recorded_telemetry.span("lookup")
    record = recorded_telemetry.log("looked up")
    assert lookup["parent_span_id"] == server["span_id"] == f"{1:016x}"
    assert lookup["attributes"] == {"item": 7}
    assert record["span_id"] == lookup["span_id"]
    assert record["attributes"]["item_id"] == 7
    assert recorded_telemetry.point("orders", kind="new")["value"] == 1
    assert recorded_telemetry.point("orders")["value"] == 1
    duration = recorded_telemetry.point(
        "http.server.request.duration", http__route="/items/{item_id}"
    )
    assert duration["count"] == 1
    assert lookup["start_time"] == lookup["end_time"] == 946684800 * 10**9
    assert record["time"] - lookup["start_time"] < 10**6


def test_what_is_missing_is_named(recorded_telemetry):
    go(recorded_telemetry)
    with pytest.raises(LookupError, match="(?s)0 instead of one span 'other'; recorded:.*lookup"):
        recorded_telemetry.span("other")


def test_time_passes_when_told(recorded_telemetry):
    from otel_flow import measure

    with measure.timed_operation("nap"):
        recorded_telemetry.clock.advance(60)
    span = recorded_telemetry.span("nap")
    assert span["end_time"] - span["start_time"] == 60 * 10**9
    assert recorded_telemetry.point("otel_flow.operation.duration")["sum"] == 60


def test_nothing_is_left_of_other_tests(recorded_telemetry):
    assert recorded_telemetry.spans() == []
    assert recorded_telemetry.logs() == []
    assert [p for p in recorded_telemetry.points() if "count" in p and p["count"]] == []
"""


@pytest.fixture
def shop(pytester, monkeypatch):
    """A user's project; its environment must not matter."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    pytester.makepyfile(shop=APPLICATION, test_shop=TESTS)
    return pytester


def test_fixtures_show_what_was_recorded(shop):
    """Spans, records and points of a test are at hand, and nothing of other tests."""
    shop.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=6)


def test_two_runs_record_the_same(shop):
    """Ids, times and durations are the same in the second test and in the second run."""
    first = shop.runpytest_subprocess("-k", "everything", "-p", "no:randomly")
    first.assert_outcomes(passed=2)
    seen = [(shop.path / f"seen-{turn}").read_text() for turn in (1, 2)]
    shop.runpytest_subprocess("-k", "everything", "-p", "no:randomly").assert_outcomes(passed=2)

    assert seen == [(shop.path / f"seen-{turn}").read_text() for turn in (1, 2)]
    assert seen[0] == seen[1]


def test_settings_are_the_users(pytester):
    """A conftest gives the settings that telemetry is started with."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def telemetry_settings():
            return {"service_name": "mine", "redaction": "off"}
        """
    )
    pytester.makepyfile(
        """
        from opentelemetry import trace

        def test_it(recorded_telemetry):
            with trace.get_tracer("t").start_as_current_span("s", attributes={"password": "x"}):
                pass
            assert recorded_telemetry.span("s")["attributes"] == {"password": "x"}
            assert recorded_telemetry.telemetry.resource.attributes["service.name"] == "mine"
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_telemetry_that_runs_already_is_told(pytester):
    """A module that configures telemetry when it is imported gets an error that says what to do."""
    pytester.makepyfile(
        """
        import otel_flow

        otel_flow.configure(service_name="early")

        def test_it(recorded_telemetry):
            pass
        """
    )
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*telemetry runs already*"])


def test_an_application_that_configures_when_it_is_imported(pytester):
    """With ``otel_flow_early`` telemetry of tests runs before any module of the application is imported."""
    pytester.makeini("[pytest]\notel_flow_early = true")
    pytester.makepyfile(
        early="""
        import otel_flow
        from fastapi import FastAPI

        telemetry = otel_flow.configure(service_name="shop")
        app = FastAPI()
        telemetry.instrument(app)

        @app.get("/items")
        def items():
            return []
        """
    )
    pytester.makeconftest("from early import app")
    pytester.makepyfile(
        """
        import asyncio

        import httpx
        import pytest

        from early import app

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(recorded_telemetry, turn):
            async def ask():
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
                    await client.get("/items")

            asyncio.run(ask())
            assert recorded_telemetry.span("GET /items")["span_id"] == f"{1:016x}"
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_runs_that_do_not_ask_load_nothing(pytester):
    """Where no test asks for it, the plugin costs pytest nothing but its own import."""
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "opentelemetry.sdk" not in sys.modules
            assert "otel_flow.testing" not in sys.modules
        """
    )

    pytester.runpytest_subprocess("-p", "no:logfire").assert_outcomes(passed=1)
