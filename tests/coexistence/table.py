"""The rows of docs/coexistence.md: what is installed together, and what a program then sends."""

from __future__ import annotations

import dataclasses

from tests.coexistence import programs


@dataclasses.dataclass(frozen=True)
class Row:
    """
    A program, what contrib's instrumentation of it would do too, and what arrives.

    *spans* are kind, name and scope of each span, *records* the bodies of log records.
    """

    title: str
    program: str
    outcome: str
    spans: tuple[tuple[str, str, str], ...] = ()
    records: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    """What an environment of its own has besides, where that would disturb the others."""
    metrics: tuple[str, ...] = ()
    """Metrics that must be among those that arrive."""


OURS = "otel_flow."
CONTRIB = "opentelemetry.instrumentation."

ROWS = (
    Row(
        title="FastAPI, `opentelemetry-instrumentation-fastapi` and FastAPI's own telemetry",
        program=programs.FASTAPI,
        outcome="ours; contrib's is left out, FastAPI's own is off on the application",
        spans=(("SERVER", "GET /items/{item_id}", f"{OURS}asgi"),),
    ),
    Row(
        title="SQLAlchemy on psycopg, `…-psycopg`",
        program=programs.SQLALCHEMY_PSYCOPG,
        outcome="ours for the statement; the driver's stays silent beneath it, and while a connection "
        "is made or asked whether it lives",
        spans=(("CLIENT", "SELECT", f"{OURS}sqlalchemy"), ("INTERNAL", "work", "shop")),
        needs=("postgres",),
    ),
    Row(
        title="psycopg alone, `…-psycopg`",
        program=programs.PSYCOPG,
        outcome="contrib's",
        spans=(("CLIENT", "SELECT", f"{CONTRIB}psycopg"),),
        needs=("postgres",),
    ),
    Row(
        title="SQLAlchemy on asyncpg, `…-asyncpg`",
        program=programs.SQLALCHEMY_ASYNCPG,
        outcome="ours for the statement; the driver's stays silent beneath it, and while a connection "
        "is made or asked whether it lives; the end of a transaction is a statement of asyncpg's",
        spans=(
            ("CLIENT", "SELECT", f"{OURS}sqlalchemy"),
            ("CLIENT", "ROLLBACK;", f"{CONTRIB}asyncpg"),
            ("INTERNAL", "work", "shop"),
        ),
        needs=("postgres",),
    ),
    Row(
        title="asyncpg alone, `…-asyncpg`",
        program=programs.ASYNCPG,
        outcome="contrib's",
        spans=(("CLIENT", "SELECT", f"{CONTRIB}asyncpg"),),
        needs=("postgres",),
    ),
    Row(
        title="httpx, `…-httpx`",
        program=programs.HTTPX,
        outcome="ours; contrib's is left out",
        spans=(("CLIENT", "GET", f"{OURS}httpx"),),
        needs=("server",),
    ),
    Row(
        title="requests, `…-requests` and `…-urllib3`",
        program=programs.REQUESTS,
        outcome="ours; contrib's is left out, urllib3's stays silent beneath it",
        spans=(("CLIENT", "GET", f"{OURS}requests"),),
        needs=("server",),
    ),
    Row(
        title="urllib3 alone, `…-urllib3`",
        program=programs.URLLIB3,
        outcome="contrib's",
        spans=(("CLIENT", "GET", f"{CONTRIB}urllib3"),),
        needs=("server",),
    ),
    Row(
        title="Django, `…-django`",
        program=programs.DJANGO,
        outcome="contrib's span; log events go through our chain, with its ids",
        spans=(("SERVER", "GET items/<int:item_id>", f"{CONTRIB}django"),),
        records=("looked up",),
        needs=("django",),
    ),
    Row(
        title="kafka-python, `…-kafka-python`",
        program=programs.KAFKA,
        outcome="contrib's",
        spans=(("PRODUCER", "orders send", f"{CONTRIB}kafka"),),
    ),
    Row(
        title="structlog and logging, `…-logging` and `…-structlog`",
        program=programs.LOGGING,
        outcome="ours: one record an event; contrib's are left out",
        records=("from logging", "from structlog"),
    ),
)

APART = (
    Row(
        title="botocore, `…-botocore`",
        program=programs.BOTOCORE,
        outcome="contrib's; urllib3's beneath it stays silent",
        spans=(("CLIENT", "DynamoDB.ListTables", f"{CONTRIB}botocore.dynamodb"),),
        needs=("server",),
        requirements=("boto3", "opentelemetry-instrumentation-botocore"),
    ),
    Row(
        title="httpx2, `…-httpx`",
        program=programs.HTTPX2,
        outcome="ours; contrib's is left out",
        spans=(("CLIENT", "GET", f"{OURS}httpx2"),),
        needs=("server",),
        requirements=("httpx2",),
    ),
    Row(
        title="openai, `…-genai-openai`, in a FastAPI application",
        program=programs.OPENAI,
        outcome="OpenTelemetry's for the call, a child of the request, with its tokens as metrics; "
        "prompts and answers stay out; ours for the HTTP request beneath it",
        spans=(
            ("CLIENT", "POST", f"{OURS}httpx2"),
            ("CLIENT", "chat small", f"{CONTRIB}genai.openai"),
            ("SERVER", "GET /ask", f"{OURS}asgi"),
        ),
        needs=("server",),
        requirements=("openai", "opentelemetry-instrumentation-genai-openai"),
        metrics=("gen_ai.client.operation.duration", "gen_ai.client.token.usage"),
    ),
)
"""Each in an environment of its own: contrib's packages bring a propagator and newer cores."""
