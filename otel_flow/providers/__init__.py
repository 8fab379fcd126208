"""Building the three providers: pure functions, nothing global."""

from otel_flow.providers.logs import build_logger_provider
from otel_flow.providers.metrics import build_meter_provider
from otel_flow.providers.traces import build_tracer_provider


__all__ = ["build_logger_provider", "build_meter_provider", "build_tracer_provider"]
