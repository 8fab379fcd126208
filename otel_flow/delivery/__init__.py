"""Getting telemetry out: exporters, queues, and one deadline for all three signals."""

from otel_flow.delivery.pipeline import Pipeline, build_pipeline


__all__ = ["Pipeline", "build_pipeline"]
