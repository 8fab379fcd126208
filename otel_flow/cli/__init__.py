"""The ``otel-flow`` command."""

from otel_flow.cli.program import main


__all__ = ["main"]
