"""One server, or one cluster: what it is sent becomes spans and durations."""

from __future__ import annotations

import logging

from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import StatusCode

from otel_flow.instrumentation.database.metrics import metrics_of
from otel_flow.instrumentation.redis.address import attributes_of, pool_name
from otel_flow.instrumentation.redis.command import Commands
from otel_flow.instrumentation.redis.failure import EXPECTED, code_of, outcome_of
from otel_flow.instrumentation.redis.pools import PoolUse
from otel_flow.instrumentation.redis.replies import CacheReplies
from otel_flow.names import database as names
from otel_flow.providers.active import SPAN_KEY, current_context, enter, leave


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Span

    from otel_flow.instrumentation.redis.command import Command
    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")

SCOPE = "otel_flow.redis"

_SUPPRESSED = "suppress_instrumentation"
"""Key of the context with which instrumentations are told to record nothing, logs excepted."""

_INSIDE = "otel_flow.redis.inside"
"""Key of the context: what redis-py sends on its own, while it executes a command."""


class Server:
    """Records what is sent through one connection pool, or to one cluster."""

    def __init__(
        self, owner: Any, telemetry: Telemetry, *, cache_name: str, cache_from_replies: bool
    ) -> None:
        metrics = metrics_of(telemetry, SCOPE)
        attributes = attributes_of(owner)
        self.pool = PoolUse(owner, pool_name(attributes), metrics)
        tracer = telemetry.tracer_provider.get_tracer(SCOPE)
        self.commands = Commands(attributes, tracer, metrics.duration)
        self.replies = CacheReplies(telemetry, cache_name) if cache_from_replies else None
        self._broken = False

    def forget(self) -> None:
        """Ask the pool for its numbers no more."""
        self.pool.forget()

    def begin_command(self, arguments: Sequence[Any]) -> Execution | None:
        """Start the span of a command; None if it is not recorded, or that fails."""
        current = current_context()
        if _INSIDE in current or current.get(_SUPPRESSED):
            return None
        # Whatever goes wrong in here is ours alone; the command is sent.
        try:
            command = self.commands.of(arguments)
            return Execution(self, command, command.start(current), current)
        except Exception as error:
            self.report(error)
            return None

    def begin_pipeline(self, commands: Sequence[Any], prefix: str) -> Execution | None:
        """Start the span of a pipeline of *commands*; None if there are none."""
        current = current_context()
        if not commands or _INSIDE in current or current.get(_SUPPRESSED):
            return None
        try:
            command = self.commands.of_pipeline(commands, prefix)
            start = command.batch(len(commands))
            return Execution(self, command, start(current), current)
        except Exception as error:
            self.report(error)
            return None

    def report(self, error: Exception) -> None:
        """Say once that recording fails, and how; the commands go on."""
        if not self._broken:
            self._broken = True
            logger.warning("a Redis command was not recorded", exc_info=error)


class Execution:
    """A command or a pipeline that is being executed; its span is the current one."""

    __slots__ = ("_begun", "_command", "_inside", "_server", "_span", "_token")

    def __init__(self, server: Server, command: Command, span: Span, current: Context) -> None:
        self._server = server
        self._command = command
        self._span = span
        self._inside = Context({**current, SPAN_KEY: span, _INSIDE: True})
        self._token = enter(self._inside)
        self._begun = perf_counter()

    def succeed(self) -> None:
        """End it."""
        seconds = perf_counter() - self._begun
        leave(self._token)
        try:
            self._command.duration.record(seconds, self._inside)
            self._span.end()
        except Exception as failure:
            self._server.report(failure)

    def fail(self, error: BaseException) -> None:
        """End it with *error*, whose class and code are kept, not its text."""
        seconds = perf_counter() - self._begun
        leave(self._token)
        try:
            if isinstance(error, EXPECTED):
                self._command.duration.record(seconds, self._inside)
                if code := code_of(error):
                    self._span.set_attribute(names.STATUS_CODE.name, code)
            else:
                outcome = outcome_of(error)
                self._command.failed(seconds, outcome, self._inside)
                self._span.set_attributes(outcome)
                self._span.set_status(StatusCode.ERROR)
                self._server.pool.failed(error)
            self._span.end()
        except Exception as failure:
            self._server.report(failure)
