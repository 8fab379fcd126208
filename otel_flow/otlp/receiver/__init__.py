"""An OTLP/HTTP receiver in this process: what `otel-flow demo` and `otel-flow tail` look at."""

from otel_flow.otlp.receiver.server import PortTakenError, Receiver
from otel_flow.otlp.receiver.values import Batch, Exemplar, LogRecord, Point, Span, SpanEvent


__all__ = [
    "Batch",
    "Exemplar",
    "LogRecord",
    "Point",
    "PortTakenError",
    "Receiver",
    "Span",
    "SpanEvent",
]
