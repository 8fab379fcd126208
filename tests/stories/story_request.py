"""
One request through all that a service is made of, seen through the fixture that we ship.

Run by `test_stories.py` in a process of its own: telemetry of tests is the process' own.
"""

import asyncio
import logging

import httpx
import pytest
import redis
import structlog

from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

import otel_flow

from otel_flow import measure


log = structlog.get_logger("shop")


def get(app, path, **headers):
    """The answer of *app*, which may fail, as a client has it."""

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.fixture
def shop(recorded_telemetry, redis_url):
    engine = create_engine("sqlite://", poolclass=StaticPool)
    cache = redis.Redis.from_url(redis_url)
    app = FastAPI()
    undo = recorded_telemetry.instrument(app, engine, cache)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER, total INTEGER)"))
        connection.execute(text("INSERT INTO orders VALUES (7, 1999)"))

    @otel_flow.traced("price", arguments=["order_id"])
    def price(order_id):
        with engine.connect() as connection:
            return connection.scalar(
                text("SELECT total FROM orders WHERE id = :i"), {"i": order_id}
            )

    @app.get("/orders/{order_id}")
    async def order(order_id: int):
        if (total := price(order_id)) is None:
            raise HTTPException(404)
        with measure.user("alice"):
            cache.set("seen", order_id)
            log.info("priced", total=total)
            logging.getLogger("shop.audit").warning("looked at %d", order_id)
        measure.count_money("app.orders.shown", total, "EUR")
        return total

    recorded_telemetry.clear()
    yield app
    undo()
    cache.close()
    engine.dispose()


def tree(spans, parent=None):
    """The names of *spans* as nested lists, each with those below it."""
    below = [span for span in spans if span["parent_span_id"] == parent]
    below.sort(key=lambda span: span["span_id"])
    return [[span["name"], *tree(spans, span["span_id"])] for span in below]


def test_a_request_is_one_story(recorded_telemetry, shop):
    """Spans nest as the calls do, and lines, metrics and the answer carry the same trace."""
    answer = get(shop, "/orders/7", **{"X-Request-ID": "ticket-9"})

    spans = recorded_telemetry.spans()
    assert tree(spans) == [["GET /orders/{order_id}", ["price", ["SELECT orders"]], ["SET"]]]
    assert {span["trace_id"] for span in spans} == {f"{1:032x}"}
    assert f"{1:032x}-{1:016x}" in answer.headers["traceresponse"]
    for body in ("priced", "looked at 7"):
        attributes = recorded_telemetry.log(body)["attributes"]
        assert (attributes["request_id"], attributes["user.id"]) == ("ticket-9", "alice")
        assert recorded_telemetry.log(body)["span_id"] == f"{1:016x}"
    assert recorded_telemetry.point("app.orders.shown")["value"] == 1999
    assert recorded_telemetry.point("http.server.request.duration")["count"] == 1
    assert len(recorded_telemetry.points("db.client.operation.duration")) == 2


def test_a_request_that_finds_nothing(recorded_telemetry, shop):
    """An order that is not there is a 404 without an error, and nothing of the request before."""
    assert get(shop, "/orders/8").status_code == 404

    server = recorded_telemetry.span("GET /orders/{order_id}")
    assert server["attributes"]["http.response.status_code"] == 404
    assert "error.type" not in server["attributes"]
    assert recorded_telemetry.logs("priced") == recorded_telemetry.points("app.orders.shown") == []


def test_a_request_that_fails(recorded_telemetry, shop, monkeypatch):
    """What the code raises is one record and one event of the request's span."""
    monkeypatch.setattr(measure, "count_money", lambda *_: 1 / 0)
    assert get(shop, "/orders/7").status_code == 500

    server = recorded_telemetry.span("GET /orders/{order_id}")
    raised = recorded_telemetry.log("http.server.request.exception")
    assert server["attributes"]["error.type"] == "ZeroDivisionError"
    assert [event["name"] for event in server["events"]] == ["exception"]
    assert raised["span_id"] == server["span_id"]


def test_a_request_to_another_service(recorded_telemetry):
    """The request that is sent and the one that is answered are one trace, under two spans."""
    stock = FastAPI()
    undo = recorded_telemetry.instrument()

    @stock.get("/stock/{item}")
    def left(item: int):
        return item

    with measure.timed_operation("check"):
        get(stock, "/stock/3")
    undo()

    names = tree(recorded_telemetry.spans())
    assert names == [["check", ["GET", ["GET /stock/{item}"]]]]
