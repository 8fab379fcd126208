"""Names of what the delivery engine says about itself (semantic conventions: OpenTelemetry SDK)."""

from __future__ import annotations

from otel_flow.names.model import SECONDS_BUCKETS, Attribute, Metric


COMPONENT_NAME = Attribute(
    name="otel.component.name",
    type="string",
    brief="The component, unique in its process.",
    stability="development",
)
COMPONENT_TYPE = Attribute(
    name="otel.component.type",
    type="string",
    brief="The kind of component.",
    stability="development",
)
ERROR_TYPE = Attribute(
    name="error.type", type="string", brief="Why it failed; absent where it did not."
)
STATUS_CODE = Attribute(
    name="http.response.status_code", type="int", brief="The status of the answer."
)
SIGNAL = Attribute(
    name="otel_flow.signal",
    type="string",
    brief="traces, metrics or logs.",
    stability="otel_flow",
)

ITEM_NAMES = {"traces": "span", "metrics": "metric_data_point", "logs": "log"}
"""What the conventions call an item of each signal."""
_UNITS = {"traces": "{span}", "metrics": "{data_point}", "logs": "{log_record}"}

_COMPONENT = (COMPONENT_NAME, COMPONENT_TYPE)


def _observed(name: str, signal: str, kind: str, brief: str, *, fails: bool = False) -> Metric:
    return Metric(
        name=name.format(ITEM_NAMES[signal]),
        unit=_UNITS[signal],
        instrument="counter" if kind == "counter" else "updowncounter",
        brief=brief,
        attributes=(*_COMPONENT, ERROR_TYPE) if fails else _COMPONENT,
        observed=True,
        stability="development",
    )


QUEUE_SIZE = {
    signal: _observed("otel.sdk.processor.{}.queue.size", signal, "updown", "Items that wait.")
    for signal in ("traces", "logs")
}
QUEUE_CAPACITY = {
    signal: _observed(
        "otel.sdk.processor.{}.queue.capacity", signal, "updown", "Items that may wait."
    )
    for signal in ("traces", "logs")
}
PROCESSED = {
    signal: _observed(
        "otel.sdk.processor.{}.processed",
        signal,
        "counter",
        "Items that left the queue, or found it full.",
        fails=True,
    )
    for signal in ("traces", "logs")
}
IN_FLIGHT = {
    signal: _observed("otel.sdk.exporter.{}.inflight", signal, "updown", "Items being sent.")
    for signal in ITEM_NAMES
}
EXPORTED = {
    signal: _observed(
        "otel.sdk.exporter.{}.exported",
        signal,
        "counter",
        "Items whose export has ended, by what it ended in.",
        fails=True,
    )
    for signal in ITEM_NAMES
}
DURATION = Metric(
    name="otel.sdk.exporter.operation.duration",
    unit="s",
    instrument="histogram",
    brief="How long a request to the backend took.",
    attributes=(*_COMPONENT, ERROR_TYPE, STATUS_CODE),
    buckets=SECONDS_BUCKETS,
    stability="development",
)
DUPLICATES = Metric(
    name="otel_flow.delivery.possible_duplicates",
    unit="{item}",
    instrument="counter",
    brief="Items that may have arrived twice: the connection died after they were sent.",
    attributes=(SIGNAL,),
    observed=True,
    stability="otel_flow",
)
WAITING = Metric(
    name="otel_flow.delivery.waiting",
    unit="{item}",
    instrument="updowncounter",
    brief="Items that are neither delivered nor dropped yet.",
    attributes=(SIGNAL,),
    observed=True,
    stability="otel_flow",
)
