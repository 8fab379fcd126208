"""Requests of caches, counted around any client."""

import asyncio

import pytest

from otel_flow import measure


def requests(recording):
    keys = ("name", "operation", "result")
    return {
        tuple(point.attributes[f"otel_flow.cache.{key}"] for key in keys): point.value
        for point in recording.points("otel_flow.cache.requests")
    }


class DownError(Exception):
    pass


def broken(*_arguments):
    raise DownError


def test_hits_misses_and_the_rest(recording):
    """A read is a hit or a miss, a change a success, what raises an error that goes on."""
    kept = {"a": 0}
    products = measure.cache("products")

    assert products.get(kept.get, "a") == 0
    assert products.get(kept.get, "b") is None
    assert products.get(kept.get, "b", default := object()) is default
    products.set(kept.__setitem__, "b", 2)
    products.delete(kept.pop, "a")
    for counted in (products.get, products.set, products.delete):
        with pytest.raises(DownError):
            counted(broken, "a")
    products.count("get", "miss", 3)

    assert requests(recording) == {
        ("products", "get", "hit"): 2,
        ("products", "get", "miss"): 4,
        ("products", "get", "error"): 1,
        ("products", "set", "success"): 1,
        ("products", "set", "error"): 1,
        ("products", "delete", "success"): 1,
        ("products", "delete", "error"): 1,
    }


def test_requests_that_are_awaited(recording):
    """What a coroutine function returns is counted when it is known, its error too."""
    products = measure.cache("products")

    async def get(key):
        await asyncio.sleep(0)
        return {"a": 1}.get(key)

    async def fail():
        raise DownError

    async def main():
        assert await products.get(get, "a") == 1
        assert await products.get(get, "b") is None
        await products.set(get, "b")
        with pytest.raises(DownError):
            await products.get(fail)

    asyncio.run(main())

    assert requests(recording) == {
        ("products", "get", "hit"): 1,
        ("products", "get", "miss"): 1,
        ("products", "get", "error"): 1,
        ("products", "set", "success"): 1,
    }
