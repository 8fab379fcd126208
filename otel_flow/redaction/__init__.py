"""Redaction: what must not leave the process."""

from otel_flow.redaction.build import RedactionKeywords, build_redaction, default_redaction
from otel_flow.redaction.marks import Callback, Finding
from otel_flow.redaction.policy import Redaction


__all__ = [
    "Callback",
    "Finding",
    "Redaction",
    "RedactionKeywords",
    "build_redaction",
    "default_redaction",
]
