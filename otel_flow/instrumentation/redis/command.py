"""What is recorded of every execution of one command, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.redis.operation import (
    OTHER,
    is_blocking,
    may_block,
    operation_of,
    pipeline_of,
)
from otel_flow.names import database as names
from otel_flow.providers.bound import bind
from otel_flow.providers.prepared import constant


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram

    from otel_flow.providers.prepared import Prepared


MAX_NAMES = 256
"""Names of commands that one server has; there are about 250, and modules with some more."""

_REMEMBERED = 1024
"""Spellings of commands whose names are kept."""

_SIZES = 64
"""Sizes of pipelines of one name whose attributes are kept."""


class Command:
    """Span name, attributes and duration series of one command."""

    __slots__ = ("_batches", "_histogram", "attributes", "duration", "may_block", "name")

    def __init__(
        self, operation: str, server: Mapping[str, Any], histogram: Histogram, *, blocking: bool
    ) -> None:
        self.name = operation
        self.may_block = may_block(operation)
        described = {**server, names.OPERATION.name: operation}
        if blocking:
            described[names.BLOCKING.name] = True
        self.attributes = constant(described)
        self._batches: dict[int, Prepared] = {}
        self.duration = bind(histogram, described)
        self._histogram = histogram

    def batch(self, size: int) -> Prepared:
        """Return the attributes of a pipeline of *size* commands; those of some sizes are kept."""
        found = self._batches.get(size)
        if found is None:
            found = constant({**self.attributes, names.BATCH_SIZE.name: size})
            if len(self._batches) < _SIZES:
                self._batches[size] = found
        return found

    def failed(self, seconds: float, outcome: Mapping[str, str], context: Context) -> None:
        """Record an execution that ended in an error, which *outcome* names."""
        self._histogram.record(seconds, {**self.attributes, **outcome}, context)


class Commands:
    """The commands that one server was sent, by name; their number is bounded."""

    def __init__(self, server: Mapping[str, Any], histogram: Histogram) -> None:
        self._server = server
        self._histogram = histogram
        self._given: dict[str, Command] = {}
        self._named: dict[tuple[str, bool], Command] = {}

    def of(self, arguments: Sequence[Any]) -> Command:
        """Return the command that *arguments*, its name first, are the arguments of."""
        given = arguments[0]
        found = self._given.get(given) if type(given) is str else None
        if found is None:
            found = self._look_up(given)
        if found.may_block and is_blocking(found.name, arguments):
            return self._get(found.name, blocking=True)
        return found

    def of_pipeline(self, commands: Iterable[Any], prefix: str) -> Command:
        """Return the pipeline of *commands*."""
        return self._get(pipeline_of(commands, prefix), blocking=False)

    def _look_up(self, given: Any) -> Command:
        operation = operation_of(given)
        found = self._get(
            operation, blocking=not may_block(operation) and is_blocking(operation, ())
        )
        if type(given) is str and len(self._given) < _REMEMBERED:
            self._given[given] = found
        return found

    def _get(self, operation: str, *, blocking: bool) -> Command:
        found = self._named.get((operation, blocking))
        if found is None:
            if len(self._named) >= MAX_NAMES:
                operation, blocking = OTHER, False
            found = Command(operation, self._server, self._histogram, blocking=blocking)
            self._named[operation, blocking] = found
        return found
