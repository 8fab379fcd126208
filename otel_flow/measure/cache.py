"""`cache`: how often a cache had what was asked for."""

from __future__ import annotations

import inspect

from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast

from otel_flow.measure.recording import Instrument
from otel_flow.names import cache as names


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Operation = Literal["get", "set", "delete"]
    Result = Literal["hit", "miss", "success", "error"]


P = ParamSpec("P")
R = TypeVar("R")

_requests = Instrument(names.REQUESTS)


class Cache:
    """The requests of one cache; see `cache`."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, call: Callable[P, R], /, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Return what *call* does, a hit, or None, a miss; what it raises is an error."""
        return cast("R", self._call("get", call, arguments, keywords))

    def set(self, call: Callable[P, R], /, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Return what *call* does, a success; what it raises is an error."""
        return cast("R", self._call("set", call, arguments, keywords))

    def delete(self, call: Callable[P, R], /, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Return what *call* does, a success; what it raises is an error."""
        return cast("R", self._call("delete", call, arguments, keywords))

    def count(self, operation: Operation, result: Result, amount: int = 1) -> None:
        """Count *amount* requests that were made otherwise, a read of several keys for instance."""
        _requests.record(
            amount,
            {
                names.CACHE.name: self._name,
                names.OPERATION.name: operation,
                names.RESULT.name: result,
            },
        )

    def _call(
        self,
        operation: Operation,
        call: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        try:
            value = call(*arguments, **keywords)
        except Exception:
            self.count(operation, "error")
            raise
        if inspect.isawaitable(value):
            return self._await(operation, value)
        self._end(operation, value)
        return value

    async def _await(self, operation: Operation, awaitable: Awaitable[Any]) -> Any:
        try:
            value = await awaitable
        except Exception:
            self.count(operation, "error")
            raise
        self._end(operation, value)
        return value

    def _end(self, operation: Operation, value: Any) -> None:
        if operation != "get":
            self.count(operation, "success")
        else:
            self.count(operation, "miss" if value is None else "hit")


def cache(name: str) -> Cache:
    """
    Return what counts the requests of the cache *name* in ``otel_flow.cache.requests``.

    The name is the application's own, such as ``products``, and one of a few. Any client
    will do, awaited or not::

        products = cache("products")
        found = products.get(client.get, key)
        await products.set(async_client.set, key, value, ex=60)
    """
    return Cache(name)
