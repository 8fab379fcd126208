"""The log record that our log chain hands to the delivery engine without a detour over the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.util.instrumentation import InstrumentationScope


class LogEvent(NamedTuple):
    """
    One log record with the fields of OTLP's ``LogRecord``.

    Times are nanoseconds since the epoch; *trace_id* and *span_id* are 0 where
    the event was written outside any span. *attributes* may be a tuple of parts that have no
    key in common, of which a `Constant` is encoded once.
    """

    scope: InstrumentationScope | None
    timestamp: int
    observed_timestamp: int
    severity_number: int
    severity_text: str
    body: Any
    attributes: Mapping[str, Any] | tuple[dict[str, Any], ...]
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    event_name: str | None = None
    dropped_attributes: int = 0
