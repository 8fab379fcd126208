"""Events on their way to a line: what stdout and files get holds no secrets either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.log_chain.standard import mark_emitted


if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, WrappedLogger

    from otel_flow.redaction import Redaction


_UNTOUCHED = frozenset({"exc_info", "_record", "_from_structlog"})
"""Keys of structlog's own, which hold objects that renderers need."""
_TRACES = ("Traceback (most recent call last)", "exc_type", "exc_value")
"""What a rendered event has in it that shows an exception."""


def redacted_event(values: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """Return the *values* of an event, masked; its text is never dropped."""
    shown = dict(redaction.attributes(values))
    if "event" in values and "event" not in shown:
        shown["event"] = "[REDACTED]"
    return shown


class RedactedEvents:
    """The processors that join a chain of the application's own."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def values(self, _logger: WrappedLogger, _name: str, event_dict: EventDict) -> EventDict:
        """Mask what the event holds, in front of the application's renderer."""
        untouched = {key: event_dict[key] for key in _UNTOUCHED if key in event_dict}
        values = {key: value for key, value in event_dict.items() if key not in untouched}
        event_dict.clear()
        event_dict.update(redacted_event(values, self._redaction), **untouched)
        return event_dict

    def finish(self, logger: WrappedLogger, name: str, rendered: Any) -> Any:
        """Mask an exception that the renderer has shown, and mark the text as exported."""
        if isinstance(rendered, str) and any(trace in rendered for trace in _TRACES):
            rendered = self._redaction.text(rendered)
        return mark_emitted(logger, name, rendered)
