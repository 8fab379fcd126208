"""Hits and misses of a cache, counted from the replies to GET and MGET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.names import cache as names
from otel_flow.providers.bound import bind


if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_flow.telemetry import Telemetry


_SCOPE = "otel_flow.redis"


class CacheReplies:
    """Counts what is read from one server; a key of an MGET counts as much as a GET."""

    def __init__(self, telemetry: Telemetry, name: str) -> None:
        counter = telemetry.meter_provider.get_meter(_SCOPE).create_counter(
            names.REQUESTS.name, unit=names.REQUESTS.unit, description=names.REQUESTS.brief
        )
        self._hit, self._miss, self._error = (
            bind(
                counter,
                {
                    names.CACHE.name: name,
                    names.OPERATION.name: "get",
                    names.RESULT.name: result,
                },
            )
            for result in ("hit", "miss", "error")
        )

    def count(self, command: Any, reply: Any) -> None:
        """Count *reply*, of *command*, if that is a read; an exception is an error."""
        if command == "GET":
            self._count_one(reply)
        elif command == "MGET":
            if isinstance(reply, list | tuple):
                for value in reply:
                    self._count_one(value)
            else:
                self._count_one(reply)

    def count_all(self, commands: Sequence[Any], replies: Any) -> None:
        """Count the *replies* to the *commands* of a pipeline."""
        if isinstance(replies, list) and len(replies) == len(commands):
            for command, reply in zip(commands, replies, strict=True):
                self.count(command, reply)

    def _count_one(self, reply: Any) -> None:
        if isinstance(reply, BaseException):
            self._error.add(1)
        elif reply is None:
            self._miss.add(1)
        else:
            self._hit.add(1)
