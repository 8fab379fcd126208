"""Commands of clients on a real server, as the telemetry and the application see them."""

import asyncio
import contextlib
import gc
import threading
import warnings
import weakref

import pytest
import redis
import redis.asyncio

from opentelemetry.context import attach, detach, set_value
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.trace import SpanKind, StatusCode

from otel_flow.instrumentation import redis as ours
from tests.instrumentation.redis.recorded import (
    DURATION,
    POOL,
    instrument_all,
    names,
    numbers,
    requests,
)
from tests.recording import Recording


def exported(recording):
    """Everything that names, attributes, events and states of spans and points hold."""
    spans = [span.to_json() for span in recording.spans()]
    return "\n".join([*spans, *(str(point) for point in recording.points(DURATION))])


def on_asyncio(url, use):
    """Return what *use* returns for a client of asyncio, on a loop of its own."""

    async def run():
        client = redis.asyncio.Redis.from_url(url, socket_timeout=120)
        try:
            return await use(client)
        finally:
            await (client.aclose if hasattr(client, "aclose") else client.close)()

    return asyncio.run(run())


async def until(condition):
    """Let other tasks run until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - nobody sets an event
        await asyncio.sleep(0.01)


def test_a_command_is_one_client_span_and_one_point(recording, client, redis_url):
    """A command is one CLIENT span with the stable attributes, under the caller's, and one point."""
    recording.telemetry.instrument(client)
    tracer = recording.telemetry.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("request") as parent:
        reply = client.get("shelf")

    assert reply is None
    span, _ = recording.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert span.parent.span_id == parent.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    expected = {
        "db.system.name": "redis",
        "db.namespace": "0",
        "db.operation.name": "GET",
        "server.address": "127.0.0.1",
        "server.port": int(redis_url.rpartition(":")[2].partition("/")[0]),
    }
    assert dict(span.attributes) == expected
    (point,) = recording.points(DURATION)
    assert (point.count, dict(point.attributes)) == (1, expected)
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


def test_a_command_of_asyncio(recording, redis_url):
    """A command of asyncio is the same one span, and the caller's span is current again after it."""
    instrument_all(recording)
    tracer = recording.telemetry.tracer_provider.get_tracer("test")

    async def use(client):
        with tracer.start_as_current_span("request") as parent:
            await asyncio.gather(client.set("a", 1), client.get("b"))
            tracer.start_span("after").end()
        return parent

    parent = on_asyncio(redis_url, use)

    spans = {span.name: span for span in recording.spans()}
    assert sorted(spans) == ["GET", "SET", "after", "request"]
    parents = {spans[name].parent.span_id for name in ("GET", "SET", "after")}
    assert parents == {parent.get_span_context().span_id}


def test_arguments_are_never_exported(recording, client):
    """Keys and values are in no span and no point, also where a command or a script fails."""
    recording.telemetry.instrument(client)
    client.set("secret-key", "secret-value")
    client.execute_command("SET secret-key", "secret-value")
    client.execute_command(b"get", "secret-key")
    for call in (
        lambda: client.lpush("secret-key", "secret-value"),
        lambda: client.execute_command("secret:value in-the-place-of-a-command"),
        lambda: client.eval("return {err = 'SECRETVALUE is not a code'}", 0),
        lambda: client.pipeline().lpush("secret-key", "secret-value").execute(),
    ):
        with pytest.raises(redis.ResponseError):
            call()

    assert "secret" not in exported(recording).lower()
    codes = [span.attributes.get("db.response.status_code") for span in recording.spans()]
    assert codes == [None, None, None, "WRONGTYPE", "ERR", "ERR", "WRONGTYPE"]
    assert names(recording) == ["SET", "SET", "GET", "LPUSH", "_OTHER", "EVAL", "MULTI LPUSH"]


def test_names_are_bounded(recording, client):
    """Whatever an application takes for a command makes 257 names at the most."""
    recording.telemetry.instrument(client)
    for number in range(400):
        with pytest.raises(redis.ResponseError):
            client.execute_command(f"COMMAND{number}")

    assert len(set(names(recording))) == 257
    assert names(recording)[-1] == "_OTHER"
    assert len(recording.points(DURATION)) == 257


def test_a_failed_command(recording, redis_url):
    """A server that is not there is an error by its class, on the span and on the point."""
    instrument_all(recording)
    client = redis.Redis(port=1, retry=None, db=3)

    with pytest.raises(redis.ConnectionError):
        client.ping()

    (span,) = recording.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.events == ()
    assert span.attributes["error.type"] == "redis.exceptions.ConnectionError"
    assert span.attributes["db.namespace"] == "3"
    assert "db.response.status_code" not in span.attributes
    (point,) = recording.points(DURATION)
    assert point.attributes["error.type"] == "redis.exceptions.ConnectionError"


@pytest.mark.parametrize(
    ("commands", "name"),
    [
        (("GET", "GET"), "MULTI GET"),
        (("GET", "INCR"), "MULTI"),
        (("GET", "GET"), "PIPELINE GET"),
        (("GET", "INCR"), "PIPELINE"),
    ],
)
def test_pipelines(recording, client, redis_url, commands, name):
    """A pipeline is one span whose name grows with no number of commands, sync and of asyncio."""
    instrument_all(recording)
    transaction = name.startswith("MULTI")

    def filled(pipeline):
        for number, command in enumerate(commands * 10):
            pipeline.execute_command(command, f"{command}-{number}")
        return pipeline

    async def use(client):
        return await filled(client.pipeline(transaction=transaction)).execute()

    sent = filled(client.pipeline(transaction=transaction)).execute()
    assert len(sent) == len(on_asyncio(redis_url, use)) == 20

    assert names(recording) == [name, name]
    for span in recording.spans():
        assert span.attributes["db.operation.name"] == name
        assert span.attributes["db.operation.batch.size"] == 20
    assert [point.count for point in recording.points(DURATION)] == [2]


def test_an_empty_pipeline_is_nothing(recording, client):
    """A pipeline without commands sends nothing, and is not recorded."""
    recording.telemetry.instrument(client)

    assert client.pipeline().execute() == []
    assert names(recording) == []


def test_a_transaction_that_must_be_tried_again(recording, client):
    """A watched key that changed is no failure: the transaction was refused as it was meant to be."""
    recording.telemetry.instrument(client)
    with client.pipeline() as pipeline:
        pipeline.watch("stock")
        pipeline.get("stock")
        client.set("stock", 7)
        pipeline.multi()
        pipeline.set("stock", 8)
        with pytest.raises(redis.WatchError):
            pipeline.execute()

    assert names(recording) == ["WATCH", "GET", "SET", "MULTI SET"]
    assert {span.status.status_code for span in recording.spans()} == {StatusCode.UNSET}
    assert not any("error.type" in point.attributes for point in recording.points(DURATION))


def test_locks_and_the_script_that_was_not_there(recording, client, redis_url):
    """The NOSCRIPT with which a lock begins is a code of its span, and not an error."""
    instrument_all(recording)
    with client.lock("till", timeout=5):
        pass

    async def use(client):
        async with client.lock("till", timeout=5):
            pass

    on_asyncio(redis_url, use)

    assert names(recording) == ["SET", "EVALSHA", "SCRIPT LOAD", "EVALSHA", "SET", "EVALSHA"]
    assert {span.status.status_code for span in recording.spans()} == {StatusCode.UNSET}
    assert recording.spans()[1].attributes["db.response.status_code"] == "NOSCRIPT"
    assert not any("error.type" in point.attributes for point in recording.points(DURATION))


def test_blocking_commands_are_kept_apart(recording, client):
    """A command that waits is marked on span and point, one that could wait only if it does."""
    recording.telemetry.instrument(client)
    client.xadd("orders", {"id": 1})
    client.blpop("queue", timeout=0.01)
    client.xread({"orders": "$"}, block=1)
    client.xread({"orders": "0"})
    client.xread({"BLOCK": "0"})
    client.lpop("queue")

    found = [(span.name, "otel_flow.db.blocking" in span.attributes) for span in recording.spans()]
    assert found[1:] == [
        ("BLPOP", True),
        ("XREAD", True),
        ("XREAD", False),
        ("XREAD", False),
        ("LPOP", False),
    ]
    counts = {
        (point.attributes["db.operation.name"], "otel_flow.db.blocking" in point.attributes): (
            point.count
        )
        for point in recording.points(DURATION)
    }
    assert counts["XREAD", True] == 1
    assert counts["XREAD", False] == 2


def test_publishing_and_subscribing(recording, client, redis_url):
    """SUBSCRIBE and PUBLISH are commands like others; to wait for messages is none."""
    instrument_all(recording)

    def receive(get_message):
        found = None
        while found is None or found["type"] != "message":
            found = get_message(timeout=5)
        return found["data"]

    with client.pubsub() as subscription:
        subscription.subscribe("news")
        client.publish("news", "sync")
        assert receive(subscription.get_message) == b"sync"

    async def use(client):
        subscription = client.pubsub()
        await subscription.subscribe("news")
        await client.publish("news", "async")
        found = None
        while found is None or found["type"] != "message":
            found = await subscription.get_message(timeout=5)
        await (subscription.aclose if hasattr(subscription, "aclose") else subscription.close)()
        return found["data"]

    assert on_asyncio(redis_url, use) == b"async"
    assert names(recording) == ["SUBSCRIBE", "PUBLISH"] * 2


def test_a_cancelled_command(recording, client, redis_url):
    """A command of asyncio that is cancelled ends its span with that as error."""
    instrument_all(recording)
    ours.uninstrument(client)

    async def use(client_of_asyncio):
        task = asyncio.create_task(client_of_asyncio.blpop("queue", timeout=60))
        await until(lambda: client.info("clients")["blocked_clients"])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on_asyncio(redis_url, use)

    (span,) = recording.spans()
    assert (span.name, span.attributes["error.type"]) == (
        "BLPOP",
        "asyncio.exceptions.CancelledError",
    )


def test_clients_made_before_and_after(recording, client, redis_url):
    """Without a target, clients made before and after are recorded, each command once."""
    instrument_all(recording)
    instrument_all(recording)
    later = redis.Redis.from_url(redis_url)

    client.get("a")
    later.get("a")

    assert names(recording) == ["GET", "GET"]
    later.close()


def test_targets_and_everything_in_any_order(recording, client, redis_url):
    """A client that was taken out stays out; the rest goes on; what was named outlives the undo."""
    other = redis.Redis.from_url(redis_url)
    undo_all = instrument_all(recording)
    recording.telemetry.instrument(client)
    ours.uninstrument(other)
    client.get("a")
    other.get("a")
    other.pipeline().get("a").execute()
    assert names(recording) == ["GET"]

    undo_all()
    client.incrby("b", 2)

    assert names(recording) == ["GET", "INCRBY"]
    other.close()


def test_nothing_is_left_behind(recording, client):
    """After the undo redis-py is as it was."""
    places = [redis.Redis, redis.client.Pipeline, redis.ConnectionPool, redis.asyncio.Redis]
    before = [dict(vars(place)) for place in places]
    undo = instrument_all(recording)
    client.get("a")
    undo()
    undo()

    assert [dict(vars(place)) for place in places] == before
    assert "_otel_flow_server" not in vars(client.connection_pool)
    client.get("a")
    assert names(recording) == ["GET"]


def test_a_target_of_another_type(recording):
    """What is no client is named, with what would have been one."""
    with pytest.raises(TypeError, match=r"redis\.asyncio\.RedisCluster"):
        recording.telemetry.instrument(object())


def test_suppressed_commands(recording, client):
    """Where instrumentations are told to be silent nothing is recorded."""
    recording.telemetry.instrument(client)
    token = attach(set_value("suppress_instrumentation", True))
    client.get("a")
    client.pipeline().get("a").execute()
    detach(token)

    assert names(recording) == []


def test_recording_that_fails_is_not_the_applications(recording, client, monkeypatch, caplog):
    """Whatever breaks in here, the command is sent, and one line says what broke."""
    recording.telemetry.instrument(client)
    client.get("a")
    server = vars(client.connection_pool)["_otel_flow_server"]
    monkeypatch.setattr(server, "commands", None)
    assert client.set("a", 1) is True
    assert client.pipeline().get("a").execute() == [b"1"]

    assert [record.message for record in caplog.records] == ["a Redis command was not recorded"]


def test_without_telemetry_nothing_is_done(client):
    """Before `configure` there is nothing to record with, and nothing is hooked."""
    undo = ours.instrument(client)
    client.get("a")

    assert "_otel_flow_server" not in vars(client.connection_pool)
    undo()


@contextlib.contextmanager
def contrib(recording):
    instrumentor = RedisInstrumentor()
    instrumentor.instrument(tracer_provider=recording.telemetry.tracer_provider)
    try:
        yield
    finally:
        instrumentor.uninstrument()


def test_contribs_instrumentation_is_replaced(recording, client, redis_url, caplog):
    """Contrib's instrumentation is taken out, if it came first or later: one span a command."""
    with contrib(recording):
        instrument_all(recording)
        client.get("a")
    assert names(recording) == ["GET"]

    with contrib(recording):
        later = redis.Redis.from_url(redis_url)
        later.get("a")
        later.get("a")

    assert names(recording)[-1] == "GET"
    assert [span.instrumentation_scope.name for span in recording.spans()][-1] == "otel_flow.redis"
    assert "contrib's Redis instrumentation is taken out: ours is on" in caplog.messages
    later.close()


def test_numbers_of_a_pool(recording, redis_url):
    """Open connections are counted by state, under host, port and database of their server."""
    client = redis.Redis.from_url(redis_url, max_connections=5)
    recording.telemetry.instrument(client)
    client.get("a")
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        assert numbers(recording, "count") == {"idle": 0, "used": 1}
    assert numbers(recording, "count") == {"idle": 1, "used": 0}
    assert numbers(recording, "max") == 5
    client.connection_pool.disconnect()
    assert numbers(recording, "count") == {"idle": 0, "used": 0}

    (point,) = recording.points(f"{POOL}.create_time")
    assert point.count == 1
    assert dict(point.attributes) == {f"{POOL}.pool.name": redis_url.removeprefix("redis://")}


def test_no_connection_left(recording, redis_url):
    """A caller for whom no connection is left is a timeout; the others are not."""
    client = redis.Redis.from_url(redis_url, max_connections=1)
    recording.telemetry.instrument(client)
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        with pytest.raises(redis.ConnectionError):
            client.get("a")
    client.get("a")

    (point,) = recording.points(f"{POOL}.timeouts")
    assert point.value == 1
    client.close()


def test_callers_that_wait(recording, redis_url):
    """A pool that makes its callers wait says how many wait, how long they did, and who gave up."""
    pool = redis.BlockingConnectionPool.from_url(redis_url, max_connections=1, timeout=60)
    client = redis.Redis(connection_pool=pool)
    recording.telemetry.instrument(client)
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        waiting = threading.Thread(target=client.get, args=("a",))
        waiting.start()
        while numbers(recording, "pending_requests") == 0:
            pass
        assert numbers(recording, "count") == {"idle": 0, "used": 1}
        pipeline.reset()
        waiting.join()
    assert numbers(recording, "pending_requests") == 0
    assert numbers(recording, "count") == {"idle": 1, "used": 0}
    assert [point.count for point in recording.points(f"{POOL}.wait_time")] == [2]

    pool.timeout = 0.01
    with client.pipeline() as pipeline:
        pipeline.watch("a")
        with pytest.raises(redis.ConnectionError):
            client.get("a")
    assert [point.value for point in recording.points(f"{POOL}.timeouts")] == [1]
    client.close()
    pool.disconnect()


def test_callers_of_asyncio_that_wait(recording, redis_url):
    """The same of a pool of asyncio."""
    instrument_all(recording)

    async def use(_client):
        pool = redis.asyncio.BlockingConnectionPool.from_url(redis_url, max_connections=1)
        client = redis.asyncio.Redis(connection_pool=pool)
        async with client.pipeline() as pipeline:
            await pipeline.watch("a")
            waiting = asyncio.create_task(client.get("a"))
            await until(
                lambda: sum(point.value for point in recording.points(f"{POOL}.pending_requests"))
            )
            await pipeline.reset()
            await waiting
        await pool.disconnect()

    on_asyncio(redis_url, use)

    assert sum(point.count for point in recording.points(f"{POOL}.wait_time")) == 2


def test_pools_are_forgotten(recording, redis_url):
    """A client that nobody holds is gone, with its connections and its numbers."""
    instrument_all(recording)
    client = redis.Redis.from_url(redis_url)
    client.get("a")
    reference = weakref.ref(client.connection_pool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del client
        gc.collect()

    assert reference() is None
    assert recording.points(f"{POOL}.count") == []


def test_hits_and_misses_from_replies(redis_url, client):
    """By setting, replies to GET and MGET are hits and misses, also in pipelines, each key one."""
    recording = Recording(cache_from_replies=True)
    instrument_all(recording)
    client.set("a", 1)
    client.get("a")
    client.get("b")
    client.mget("a", "b", "c")
    client.pipeline().get("a").set("d", 1).mget("a", "b").execute()
    client.lpush("list", 1)
    with pytest.raises(redis.ResponseError):
        client.get("list")

    async def use(client):
        await client.get("a")

    on_asyncio(redis_url, use)

    found = requests(recording)
    assert found == {
        ("redis", "get", "hit"): 5,
        ("redis", "get", "miss"): 4,
        ("redis", "get", "error"): 1,
    }
    recording.close()


def test_the_cache_of_a_client_has_its_name(recording, client):
    """A client can be recorded as the cache that it is."""
    undo = ours.instrument(
        client, telemetry=recording.telemetry, cache_from_replies=True, cache_name="products"
    )
    client.get("a")
    undo()

    assert requests(recording) == {("products", "get", "miss"): 1}


def test_replies_are_not_counted_by_default(recording, client):
    """Without the setting a GET is a command, and no cache is counted."""
    recording.telemetry.instrument(client)
    client.get("a")

    assert requests(recording) == {}
