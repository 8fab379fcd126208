"""
Programs of users that other instrumentations are installed beside.

Each is run under ``opentelemetry-instrument`` with contrib's instrumentations of asyncpg, Django,
httpx, kafka-python, logging, psycopg, requests, structlog and urllib3 installed.
"""

SQLALCHEMY_PSYCOPG = """
import os

from opentelemetry import trace
from sqlalchemy import create_engine, text

url = os.environ["POSTGRES"].replace("postgresql://", "postgresql+psycopg://")
engine = create_engine(url, pool_pre_ping=True)
engine.connect().close()
with trace.get_tracer("shop").start_as_current_span("work"), engine.connect() as connection:
    connection.execute(text("SELECT 1"))
"""

PSYCOPG = """
import os

import psycopg

with psycopg.connect(os.environ["POSTGRES"]) as connection:
    connection.execute("SELECT 1")
"""

SQLALCHEMY_ASYNCPG = """
import asyncio
import os

from opentelemetry import trace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

url = os.environ["POSTGRES"].replace("postgresql://", "postgresql+asyncpg://")
engine = create_async_engine(url, pool_pre_ping=True)


async def main():
    async with engine.connect():
        pass
    with trace.get_tracer("shop").start_as_current_span("work"):
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    await engine.dispose()


asyncio.run(main())
"""

ASYNCPG = """
import asyncio
import os

import asyncpg


async def main():
    connection = await asyncpg.connect(os.environ["POSTGRES"])
    await connection.fetch("SELECT 1")
    await connection.close()


asyncio.run(main())
"""

HTTPX = """
import os

import httpx

httpx.get(os.environ["SERVER"])
"""

REQUESTS = """
import os

import requests

requests.get(os.environ["SERVER"])
"""

URLLIB3 = """
import os

import urllib3

urllib3.request("GET", os.environ["SERVER"])
"""

DJANGO = """
import django

from django.test import Client

django.setup()
Client().get("/items/7")
"""

KAFKA = """
from kafka import KafkaProducer
from kafka.errors import KafkaError
from opentelemetry import trace

producer = KafkaProducer(
    bootstrap_servers="127.0.0.1:9", api_version=(2, 0), max_block_ms=100, retries=0
)
try:
    producer.send("orders", b"17")
except KafkaError:
    pass
producer.close(0)
"""

BOTOCORE = """
import os

import boto3

client = boto3.client(
    "dynamodb",
    endpoint_url=os.environ["SERVER"],
    region_name="eu-central-1",
    aws_access_key_id="x",
    aws_secret_access_key="x",
)
client.list_tables()
"""

HTTPX2 = """
import os

import httpx2

httpx2.get(os.environ["SERVER"])
"""

_ASKING = """
async def main():
    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        pass

    await app(
        {
            "type": "http",
            "method": "GET",
            "path": PATH,
            "headers": [],
            "query_string": b"",
            "scheme": "http",
            "http_version": "1.1",
        },
        receive,
        send,
    )


asyncio.run(main())
"""

PROMPT = "what does Ada hide"

OPENAI = (
    """
import asyncio
import os

from fastapi import FastAPI
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI(base_url=os.environ["SERVER"], api_key="x")
PATH = "/ask"


@app.get("/ask")
async def ask():
    answer = await client.chat.completions.create(
        model="small", messages=[{"role": "user", "content": PROMPT}]
    )
    assert answer.choices[0].message.content == PROMPT


""".replace("PROMPT", repr(PROMPT))
    + _ASKING
)

FASTAPI = (
    """
import asyncio

from fastapi import FastAPI

app = FastAPI()
PATH = "/items/7"


@app.get("/items/{item_id}")
async def item(item_id: int):
    return {}


"""
    + _ASKING
)

LOGGING = """
import logging

import structlog

logging.getLogger("std").warning("from logging")
structlog.get_logger("app").warning("from structlog")
"""
