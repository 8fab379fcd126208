"""redis-py under contrib's instrumentation and under ours."""

from __future__ import annotations

import asyncio
import contextlib

from typing import Any

import redis
import redis.asyncio

from tests.differences.side import step
from tests.servers import redis_server


TITLE = "redis-py"
AGAINST = "`opentelemetry-instrumentation-redis`"


def run(side: str, providers: Any, notes: dict[str, str]) -> None:
    if side == "ours":
        from otel_flow.instrumentation import redis as ours

        ours.instrument(telemetry=providers)
    else:
        from opentelemetry.instrumentation.redis import RedisInstrumentor

        RedisInstrumentor().instrument(**providers)
    with redis_server() as url:
        notes["port"] = url.rpartition(":")[2].partition("/")[0]
        client = redis.Redis.from_url(url)
        use(client)
        asyncio.run(subscribe(url))
        if side == "ours":
            providers.force_flush()
        client.close()


def use(client: redis.Redis) -> None:
    with step("get"):
        client.get("user:secret")
    with step("pipeline"):
        pipeline = client.pipeline(transaction=False)
        for number in range(30):
            pipeline.get(f"item:{number}").incr("reads")
        pipeline.execute()
    with step("failed"), contextlib.suppress(redis.ResponseError):
        client.set("text", "x")
        client.lpush("text", "secret")
    with step("lock"), client.lock("till", timeout=5):
        pass
    with step("watch"), client.pipeline() as pipeline, contextlib.suppress(redis.WatchError):
        pipeline.watch("stock")
        client.set("stock", 7)
        pipeline.multi()
        pipeline.set("stock", 8)
        pipeline.execute()
    with step("blocking"):
        client.blpop("nothing", timeout=0.01)
    with step("absurd"), contextlib.suppress(redis.ResponseError):
        client.execute_command("secret:7 is no command")
    with step("refused"), contextlib.suppress(redis.ConnectionError):
        redis.Redis(port=1, retry=None).get("a")


async def subscribe(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    with step("subscribe"):
        subscription = client.pubsub()
        await subscription.subscribe("news")
        await subscription.aclose()
    await client.aclose()


def names(arrived: Any, name: str) -> str:
    found = [f"`{shortened(span.name)}`" for span in arrived.spans(name, "CLIENT")]
    return ", ".join(found) or "none"


def shortened(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:20]}… ({len(name)} characters)"


def attributes(arrived: Any) -> str:
    (span,) = arrived.spans("get")
    pairs = {
        key: "PORT" if str(value) == arrived.notes["port"] else value
        for key, value in sorted(span.attributes.items())
    }
    return ", ".join(f"`{key}`={value}" for key, value in pairs.items())


def outcome(name: str) -> Any:
    def read(arrived: Any) -> str:
        span = arrived.spans(name, "CLIENT")[-1]
        failed = "error" if span.failed else "no error"
        kind = span.attributes.get("error.type", "absent")
        code = span.attributes.get("db.response.status_code", "absent")
        return f"{failed}, `error.type` {kind}, `db.response.status_code` {code}"

    return read


def failures(name: str) -> Any:
    return lambda arrived: (
        f"{sum(span.failed for span in arrived.spans(name))} of {len(arrived.spans(name))}"
    )


def blocking(arrived: Any) -> str:
    (span,) = arrived.spans("blocking")
    marked = "otel_flow.db.blocking" in span.attributes
    return "marked `otel_flow.db.blocking`" if marked else "as any other"


def durations(arrived: Any) -> str:
    return str(sum(point["count"] for point in arrived.points("db.client.operation.duration")))


def pools(arrived: Any) -> str:
    found = {
        point["db.client.connection.pool.name"]
        for point in arrived.points("db.client.connection.count")
        if "db.client.connection.pool.name" in point
    }
    shown = sorted(name.replace(arrived.notes["port"], "PORT") for name in found)
    return ", ".join(f"`{name}`" for name in shown) or "none"


ROWS = [
    ("A command: span", lambda arrived: names(arrived, "get")),
    ("A command: attributes", attributes),
    ("A pipeline of 60 commands: span", lambda arrived: names(arrived, "pipeline")),
    ("A command that Redis refuses", outcome("failed")),
    ("Nobody is listening", outcome("refused")),
    ("A lock whose script is not loaded yet: spans with an error", failures("lock")),
    ("A transaction to be tried again: spans with an error", failures("watch")),
    ("A command that waits, BLPOP", blocking),
    ("What is no command: span", lambda arrived: names(arrived, "absurd")),
    ("A subscription on asyncio: spans", lambda arrived: names(arrived, "subscribe")),
    ("Points of the duration", durations),
    ("Pools by name", pools),
    ("Metrics", lambda arrived: ", ".join(arrived.metric_names("db.")) or "none"),
]
