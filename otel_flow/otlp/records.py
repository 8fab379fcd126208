"""The log record that our log chain hands to the delivery engine without a detour over the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from opentelemetry.sdk.util.instrumentation import InstrumentationScope


class LogEvent:
    """
    One log record with the fields of OTLP's ``LogRecord``.

    Times are nanoseconds since the epoch; *trace_id* and *span_id* are 0 where
    the event was written outside any span. *attributes* may be a tuple of parts that have no
    key in common, of which a `Constant` is encoded once.
    """

    __slots__ = (
        "attributes",
        "body",
        "dropped_attributes",
        "event_name",
        "observed_timestamp",
        "scope",
        "severity_number",
        "severity_text",
        "span_id",
        "timestamp",
        "trace_flags",
        "trace_id",
    )

    def __init__(  # noqa: PLR0917 - keywords cost as much as all the rest
        self,
        scope: InstrumentationScope,
        timestamp: int,
        observed_timestamp: int,
        severity_number: int,
        severity_text: str,
        body: Any,
        attributes: Mapping[str, Any] | tuple[dict[str, Any], ...],
        trace_id: int = 0,
        span_id: int = 0,
        trace_flags: int = 0,
        event_name: str | None = None,
        dropped_attributes: int = 0,
    ) -> None:
        self.scope = scope
        self.timestamp = timestamp
        self.observed_timestamp = observed_timestamp
        self.severity_number = severity_number
        self.severity_text = severity_text
        self.body = body
        self.attributes = attributes
        self.trace_id = trace_id
        self.span_id = span_id
        self.trace_flags = trace_flags
        self.event_name = event_name
        self.dropped_attributes = dropped_attributes
