"""The resource: what produces the telemetry, one object for all three signals."""

from otel_flow.resource.build import build_resource, renew_resource


__all__ = ["build_resource", "renew_resource"]
