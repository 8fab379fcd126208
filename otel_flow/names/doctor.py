"""Names of what `otel-flow doctor` sends to see whether it is taken."""

from __future__ import annotations

from otel_flow.names.model import Event, Metric


SPAN = "otel_flow.doctor.probe"
"""Name of the span."""

PROBES = Metric(
    name="otel_flow.doctor.probe",
    unit="1",
    instrument="gauge",
    brief="1 in each probe of `otel-flow doctor`.",
    stability="otel_flow",
)
PROBE = Event(
    name="otel_flow.doctor.probe",
    severity="INFO",
    brief="The probe of `otel-flow doctor`, under the trace id of its span.",
)

INSTANCE = "otel-flow-doctor"
"""The `service.instance.id` of probes: one more instance of the service, however often it runs."""
