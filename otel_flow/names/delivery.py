"""Names of what the delivery engine says about itself (semantic conventions: OpenTelemetry SDK)."""

from __future__ import annotations

from otel_flow.names.model import SECONDS_BUCKETS, Attribute, Metric


SCOPE = "otel_flow.delivery"
"""The scope of all of them."""

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
SERVER_ADDRESS = Attribute(
    name="server.address", type="string", brief="The host, or the socket, that is sent to."
)
SERVER_PORT = Attribute(name="server.port", type="int", brief="The port that is sent to.")
SIGNAL = Attribute(
    name="otel_flow.signal",
    type="string",
    brief="traces, metrics or logs.",
    stability="otel_flow",
)

ITEM_NAMES = {"traces": "span", "metrics": "metric_data_point", "logs": "log"}
"""What the conventions call an item of each signal."""
EXPORTER_TYPES = {
    "traces": "otlp_{}_span_exporter",
    "metrics": "otlp_{}_metric_exporter",
    "logs": "otlp_{}_log_exporter",
}
"""Signal → the type of its exporter, with the place of ``http`` or ``grpc``."""
PROCESSOR_TYPES = {"traces": "batching_span_processor", "logs": "batching_log_processor"}
READER_TYPE = "periodic_metric_reader"
_UNITS = {"traces": "{span}", "metrics": "{data_point}", "logs": "{log_record}"}

_COMPONENT = (COMPONENT_NAME, COMPONENT_TYPE)
_EXPORTER = (*_COMPONENT, SERVER_ADDRESS, SERVER_PORT)


def _observed(name: str, signal: str, kind: str, brief: str, *, fails: bool = False) -> Metric:
    component = _EXPORTER if ".exporter." in name else _COMPONENT
    return Metric(
        name=name.format(ITEM_NAMES[signal]),
        unit=_UNITS[signal],
        instrument="counter" if kind == "counter" else "updowncounter",
        brief=brief,
        attributes=(*component, ERROR_TYPE) if fails else component,
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
    attributes=(*_EXPORTER, ERROR_TYPE, STATUS_CODE),
    buckets=SECONDS_BUCKETS,
    stability="development",
)
COLLECTION = Metric(
    name="otel.sdk.metric_reader.collection.duration",
    unit="s",
    instrument="histogram",
    brief="How long the collection of all metrics took, callbacks included.",
    attributes=(*_COMPONENT, ERROR_TYPE),
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

METRICS = (
    *QUEUE_SIZE.values(),
    *QUEUE_CAPACITY.values(),
    *PROCESSED.values(),
    *IN_FLIGHT.values(),
    *EXPORTED.values(),
    DURATION,
    COLLECTION,
    DUPLICATES,
    WAITING,
)
