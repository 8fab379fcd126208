"""
A service that does what the five seeds measured by hand; SEEDS_REDIS is its cache and broker.

``celery -A seeds:tasks worker`` is its worker; run alone it serves requests, queries, caches,
predicts and sells, and then waits for a line on stdin.
"""

import asyncio
import os
import sys

import celery
import redis
import sqlalchemy

from fastapi import FastAPI, HTTPException, Request
from opentelemetry import metrics

import otel_flow

from otel_flow import measure


telemetry = otel_flow.configure(metric_interval=0.5)
app = FastAPI()
tasks = celery.Celery("seeds", broker=os.environ["SEEDS_REDIS"], backend=os.environ["SEEDS_REDIS"])
engine = sqlalchemy.create_engine(
    f"sqlite:///{os.environ['SEEDS_DATABASE']}", poolclass=sqlalchemy.pool.QueuePool
)
client = redis.Redis.from_url(os.environ["SEEDS_REDIS"])
telemetry.instrument(app, tasks, engine, client)
telemetry.instrument()
cached = measure.cache("products")
meter = metrics.get_meter("seeds")
videos = meter.create_histogram("app.video.processing.duration", unit="s")
scraped = meter.create_counter("app.listings.scraped", unit="{listing}")
streams = meter.create_up_down_counter("app.live_streams.active", unit="{stream}")


@tasks.task
def encode(seconds):
    if seconds < 0:
        raise ValueError(seconds)


@app.post("/items/{item_id}")
async def item(item_id: int, request: Request):
    await request.body()
    if item_id > 9:
        raise HTTPException(404)
    return {"id": item_id}


@app.post("/slow")
async def slow():
    await asyncio.sleep(2)


@measure.counted("app.users.registered", unit="{user}")
def register():
    pass


async def post(path):
    async def receive():
        return {"type": "http.request", "body": b"{}"}

    async def send(message):
        pass

    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-length", b"2")]}
    scope |= {"query_string": b"", "scheme": "http", "http_version": "1.1"}
    await app(scope, receive, send)


async def serve():
    await asyncio.gather(post("/slow"), *(post(f"/items/{n}") for n in range(12)))


def query():
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE items (id INTEGER)"))
        connection.execute(sqlalchemy.text("INSERT INTO items VALUES (1)"))
        connection.execute(sqlalchemy.text("SELECT id FROM items"))


def look_up():
    cached.set(client.set, "product:1", "chair")
    cached.get(client.get, "product:1")
    cached.get(client.get, "product:2")


def predict():
    measure.loaded_model("ranker", version="3")
    with measure.prediction("ranker", version="3", pipeline="home") as prediction:
        prediction.confidence(0.9)
    with measure.prediction("ranker", version="3", pipeline="home") as prediction:
        prediction.fallback("popular", reason="timeout")


def sell():
    register()
    measure.count_money(
        "app.payments.amount", measure.minor_units("19.99", "USD"), "USD", type="card"
    )
    measure.gauge("app.users.active", lambda: 17, unit="{user}")
    videos.record(31.0, {"stage": "transcode"})
    scraped.add(40, {"marketplace": "bay", "status": "ok"})
    streams.add(2)


if __name__ == "__main__":
    asyncio.run(serve())
    query()
    look_up()
    predict()
    sell()
    for seconds in (0.1, -1):
        encode.delay(seconds)
    encode.apply_async((0,), queue="unattended")
    sys.stdin.readline()
    telemetry.shutdown()
