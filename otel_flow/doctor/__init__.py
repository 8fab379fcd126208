"""What is wrong between a service's environment and its backend: `otel-flow doctor`."""

from otel_flow.doctor.examination import examine
from otel_flow.doctor.finding import Finding, Level
from otel_flow.doctor.report import Report


__all__ = ["Finding", "Level", "Report", "examine"]
