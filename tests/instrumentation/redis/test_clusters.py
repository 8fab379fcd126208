"""Clients of a cluster, and of a master that a Sentinel knows."""

import asyncio

import pytest
import redis
import redis.asyncio

from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

from tests.instrumentation.redis.recorded import instrument_all, names, numbers


@pytest.fixture
def cluster(cluster_ports):
    made = redis.RedisCluster(host="127.0.0.1", port=cluster_ports[0])
    made.flushall()
    yield made
    made.close()


def test_commands_of_a_cluster(recording, cluster, cluster_ports):
    """A command is one span under the cluster's first node, wherever it went and how often."""
    recording.telemetry.instrument(cluster)
    for number in range(10):
        cluster.set(f"key-{number}", number)
    cluster.mget_nonatomic(*(f"key-{number}" for number in range(10)))
    cluster.ping(target_nodes="all")
    pipeline = cluster.pipeline()
    for number in range(10):
        pipeline.get(f"key-{number}")
    assert len(pipeline.execute()) == 10

    found = names(recording)
    assert found[:10] == ["SET"] * 10
    assert found[-2:] == ["PING", "PIPELINE GET"]
    assert set(found[10:-2]) == {"PIPELINE MGET"}
    for span in recording.spans():
        assert span.parent is None
        address = (span.attributes["server.address"], span.attributes["server.port"])
        assert address == ("127.0.0.1", cluster_ports[0])
        assert span.attributes["db.namespace"] == "0"


def test_a_cluster_of_asyncio(recording, cluster_ports):
    """The same on asyncio, where the first command asks for the nodes."""
    instrument_all(recording)

    async def use():
        cluster = redis.asyncio.RedisCluster(host="127.0.0.1", port=cluster_ports[0])
        # Commands that are sent while the first one asks meet redirections, for which redis-py
        # closes connections that others of them write to. Before Python 3.13.10 and 3.14.1 that is
        # a TypeError of asyncio, with and without us (https://github.com/python/cpython/issues/136234,
        # https://github.com/redis/redis-py/issues/4287).
        await cluster.set("key-0", 1)
        await asyncio.gather(*(cluster.set(f"key-{number}", 1) for number in range(1, 10)))
        await cluster.ping(target_nodes="all")
        pipeline = cluster.pipeline()
        for number in range(10):
            pipeline.get(f"key-{number}")
        assert await pipeline.execute() == [b"1"] * 10
        counts = numbers(recording, "count")
        assert counts["idle"] >= 3
        assert counts["used"] == 0
        await (cluster.aclose if hasattr(cluster, "aclose") else cluster.close)()

    asyncio.run(use())

    assert names(recording) == ["SET"] * 10 + ["PING", "PIPELINE GET"]


def test_connections_of_a_cluster(recording, cluster_ports):
    """Its connections are those of all its nodes, each counted once, whatever else is recorded."""
    instrument_all(recording)
    # Made now, it asks for its nodes by a command, which one of the nodes' pools is recorded for.
    cluster = redis.RedisCluster(host="127.0.0.1", port=cluster_ports[0])
    for number in range(20):
        cluster.set(f"key-{number}", number)

    idle = sum(
        len(node.redis_connection.connection_pool._available_connections)
        for node in cluster.get_nodes()
    )
    assert idle >= 3
    assert numbers(recording, "count") == {"idle": idle, "used": 0}
    cluster.close()


def test_subscriptions_of_a_cluster(recording, cluster):
    """A subscription is recorded under the cluster, whose node it finds out itself."""
    recording.telemetry.instrument(cluster)
    with cluster.pubsub() as subscription:
        subscription.subscribe("news")
        cluster.publish("news", "hello")

    assert names(recording) == ["SUBSCRIBE", "PUBLISH"]


def test_a_master_behind_a_sentinel(recording, sentinel_ports):
    """The server is the service that the Sentinel knows; to ask for the master is no command."""
    instrument_all(recording)
    port, _ = sentinel_ports
    master = Sentinel([("127.0.0.1", port)]).master_for("shop")
    master.set("a", 1)
    master.pipeline().get("a").execute()

    async def use():
        sentinel = AsyncSentinel([("127.0.0.1", port)])
        found = sentinel.master_for("shop")
        await found.get("a")
        for client in (found, *sentinel.sentinels):
            await (client.aclose if hasattr(client, "aclose") else client.close)()

    asyncio.run(use())

    assert names(recording) == ["SET", "MULTI GET", "GET"]
    assert {span.attributes["server.address"] for span in recording.spans()} == {"shop"}
    assert not any("server.port" in span.attributes for span in recording.spans())
    points = recording.points("db.client.connection.create_time")
    assert "shop/0" in {point.attributes["db.client.connection.pool.name"] for point in points}
    master.close()
