"""What is recorded of every execution of one command, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from otel_flow.instrumentation.redis.operation import (
    OTHER,
    is_blocking,
    may_block,
    operation_of,
    pipeline_of,
)
from otel_flow.names import database as names
from otel_flow.providers.bound import bind
from otel_flow.providers.prepared import constant, starter_of


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Tracer

    from otel_flow.providers.prepared import Starter


MAX_NAMES = 256
"""Names of commands that one server has; there are about 250, and modules with some more."""

_REMEMBERED = 1024
"""Spellings of commands whose names are kept."""

_SIZES = 64
"""Sizes of pipelines of one name for which all is kept that their spans begin with."""


class Command:
    """Span name, attributes and duration series of one command."""

    __slots__ = (
        "_attributes",
        "_batches",
        "_histogram",
        "_tracer",
        "duration",
        "may_block",
        "name",
        "start",
    )

    def __init__(
        self,
        operation: str,
        server: Mapping[str, Any],
        tracer: Tracer,
        histogram: Histogram,
        *,
        blocking: bool,
    ) -> None:
        self.name = operation
        self.may_block = may_block(operation)
        described = {**server, names.OPERATION.name: operation}
        if blocking:
            described[names.BLOCKING.name] = True
        self._attributes = described
        self._tracer = tracer
        self.start = self._starter(described)
        """Starts the span of one execution."""
        self._batches: dict[int, Starter] = {}
        self.duration = bind(histogram, described)
        self._histogram = histogram

    def _starter(self, attributes: Mapping[str, Any]) -> Starter:
        return starter_of(self._tracer, self.name, SpanKind.CLIENT, constant(attributes))

    def batch(self, size: int) -> Starter:
        """Return what starts the span of a pipeline of *size* commands; some sizes are kept."""
        found = self._batches.get(size)
        if found is None:
            found = self._starter({**self._attributes, names.BATCH_SIZE.name: size})
            if len(self._batches) < _SIZES:
                self._batches[size] = found
        return found

    def failed(self, seconds: float, outcome: Mapping[str, str], context: Context) -> None:
        """Record an execution that ended in an error, which *outcome* names."""
        self._histogram.record(seconds, {**self._attributes, **outcome}, context)


class Commands:
    """The commands that one server was sent, by name; their number is bounded."""

    def __init__(self, server: Mapping[str, Any], tracer: Tracer, histogram: Histogram) -> None:
        self._server = server
        self._tracer = tracer
        self._histogram = histogram
        self._given: dict[str, Command] = {}
        self._named: dict[tuple[str, bool], Command] = {}
        self._repeated: dict[tuple[str, str], Command] = {}
        """Prefix and the one command, as it was given → the pipeline of nothing else."""

    def of(self, arguments: Sequence[Any]) -> Command:
        """Return the command that *arguments*, its name first, are the arguments of."""
        given = arguments[0]
        found = self._given.get(given) if type(given) is str else None
        if found is None:
            found = self._look_up(given)
        if found.may_block and is_blocking(found.name, arguments):
            return self._get(found.name, blocking=True)
        return found

    def of_pipeline(self, commands: Sequence[Any], prefix: str) -> Command:
        """Return the pipeline of *commands*."""
        first = commands[0]
        # Another type may be equal, and hash as it likes.
        if type(first) is not str or commands.count(first) < len(commands):
            return self._get(pipeline_of(commands, prefix), blocking=False)
        found = self._repeated.get((prefix, first))
        if found is None:
            found = self._get(pipeline_of((first,), prefix), blocking=False)
            if len(self._repeated) < _REMEMBERED:
                self._repeated[prefix, first] = found
        return found

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
            found = Command(
                operation, self._server, self._tracer, self._histogram, blocking=blocking
            )
            self._named[operation, blocking] = found
        return found
