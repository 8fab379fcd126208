"""The OTLP wire format: encoders of ours, decoding of export responses, and a receiver."""

from otel_flow.otlp.logs import LogEncoder
from otel_flow.otlp.metrics import MetricEncoder
from otel_flow.otlp.redactor import DROPPED, Redactor
from otel_flow.otlp.repair import Unencodable
from otel_flow.otlp.request import Request, Sources
from otel_flow.otlp.responses import PartialSuccess, parse_response
from otel_flow.otlp.spans import SpanEncoder


__all__ = [
    "DROPPED",
    "LogEncoder",
    "MetricEncoder",
    "PartialSuccess",
    "Redactor",
    "Request",
    "Sources",
    "SpanEncoder",
    "Unencodable",
    "parse_response",
]
