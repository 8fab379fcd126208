"""An event of ours that recurs with every request: what is alike in all of them is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.log_chain.composition import with_context
from otel_flow.log_chain.severity import severity_of_name
from otel_flow.log_chain.values import encodable


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext

    from otel_flow.log_chain.events import Events
    from otel_flow.log_chain.levels import Levels
    from otel_flow.redaction import Redaction


class RecurringEvent:
    """
    The event *said* of *logger*, written past structlog as long as its chain is ours alone.

    *is_ours* says whether it is: processors, levels and loggers of an application's own are
    asked by whoever gets False for an answer and logs the event as any other.
    """

    def __init__(
        self,
        logger: str,
        level: str,
        said: str,
        *,
        events: Events,
        levels: Levels,
        redaction: Redaction,
        is_ours: Callable[[], bool],
        write: Callable[[str], None],
    ) -> None:
        self._logger = logger
        self._severity = severity_of_name(level)
        self._said = said
        self._events = events
        self._levels = levels
        self._redaction = redaction
        self._write = write
        usable = redaction.asking is None and redaction.text(said) == said
        self._is_ours = is_ours if usable else lambda: False

    def masked(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *attributes*, which many of the events have, as they may leave."""
        return self._redaction.attributes(attributes)

    def tell(
        self,
        masked: Mapping[str, Any],
        own: dict[str, Any],
        span: SpanContext,
        context: Context,
    ) -> bool:
        """
        Write the event with the attributes *masked* and its *own*; return whether it was written.

        Texts of the own ones may be of any characters; other values are numbers.
        """
        if not self._is_ours() or with_context({}):
            return False
        if self._severity.threshold < self._levels[self._logger]:
            return True
        for key, value in own.items():
            if type(value) is str and not value.isascii():
                own[key] = encodable(value)
        line = self._events.log_masked(
            self._logger,
            self._severity,
            self._said,
            {**masked, **self._redaction.attributes(own)},
            span,
            context,
            has_request="request_id" in own,
        )
        if line is None:
            return False
        self._write(line)
        return True
