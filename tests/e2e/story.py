"""
A service and its task for the whole story: Redis, SQL both ways, a task and lines in each.

EXPLICIT=1 configures it in code, else the wrapper does; STORY_REDIS is the URL of the broker
and the cache, STORY_DATABASE the path of an SQLite file.
"""

import os

from typing import Annotated

import redis
import redis.asyncio
import structlog

from celery import Celery
from celery.utils.log import get_task_logger
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

import otel_flow


URL, DATABASE = os.environ["STORY_REDIS"], os.environ["STORY_DATABASE"]
log = structlog.get_logger("story")
task_log = get_task_logger("story.tasks")
app = FastAPI()
tasks = Celery("story", broker=URL, set_as_current=False)
tasks.conf.update(task_default_queue="story", broker_connection_retry_on_startup=True)
engine = create_engine(f"sqlite:///{DATABASE}")
async_engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}")
cache, async_cache = redis.Redis.from_url(URL), redis.asyncio.Redis.from_url(URL)


@tasks.task(name="story.pack")
def pack(item_id):
    log.info("task.structlog")
    task_log.info("task.logger")
    cache.delete(f"item:{item_id}")
    with engine.connect() as connection:
        connection.execute(text("SELECT name FROM packages WHERE id = :id"), {"id": item_id})


def stock(item_id: int):
    log.info("dependency.line")
    with engine.connect() as connection:
        query = text("SELECT pieces FROM stock WHERE id = :id")
        return connection.execute(query, {"id": item_id}).scalar()


@app.post("/items/{item_id}/orders")
async def order(item_id: int, pieces: Annotated[int, Depends(stock)]):
    cached = await async_cache.get(f"item:{item_id}")
    async with async_engine.connect() as connection:
        query = text("SELECT price FROM prices WHERE id = :id")
        price = (await connection.execute(query, {"id": item_id})).scalar()
    pack.delay(item_id)
    log.info("endpoint.line", cached=cached is not None)
    return {"pieces": pieces, "price": price, "request_id": otel_flow.request_id()}


@app.get("/healthz")
async def health():
    await async_cache.ping()
    async with async_engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


if os.environ.get("EXPLICIT"):
    otel_flow.configure().instrument()
