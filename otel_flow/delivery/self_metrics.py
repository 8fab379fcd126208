"""What the engine says about itself: observed at collection, so that items cost nothing more."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.metrics import Observation

from otel_flow.delivery.accounting import SUPERSEDED
from otel_flow.names import delivery as names


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider

    from otel_flow.delivery.collection import Collection
    from otel_flow.delivery.lane import Lane
    from otel_flow.names.model import Metric


SCOPE = "otel_flow.delivery"
_DISTRIBUTION = "otel-flow"

Attributes = dict[str, str | int]
Reading = tuple[int, Attributes]


def observe(
    meter_provider: MeterProvider, lanes: Iterable[Lane], collection: Collection | None
) -> None:
    """Create the instruments that read *lanes*, and have requests and collections be recorded."""
    meter = meter_provider.get_meter(SCOPE, version(_DISTRIBUTION))
    duration = _histogram(meter, names.DURATION)
    lanes = list(lanes)
    for lane in lanes:
        kind = names.EXPORTER_TYPES[lane.signal].format(lane.outlet.kind)
        exporter = _component(kind) | _server(lane.outlet.endpoint)
        _observe_exporter(meter, lane, exporter)
        if processor := names.PROCESSOR_TYPES.get(lane.signal):
            _observe_queue(meter, lane, _component(processor))
        lane.outlet.on_request = _recorder(duration, exporter)
    _observe_ours(meter, lanes)
    if collection is not None:
        collected = _histogram(meter, names.COLLECTION)
        collection.on_collected = _collection_recorder(collected, _component(names.READER_TYPE))


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )


def _component(kind: str) -> Attributes:
    return {names.COMPONENT_TYPE.name: kind, names.COMPONENT_NAME.name: f"{kind}/0"}


def _server(endpoint: str) -> Attributes:
    """Return what is sent to, without credentials: host and port, or the path of a socket."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return {names.SERVER_ADDRESS.name: parts.path.partition(":")[0]}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {names.SERVER_ADDRESS.name: parts.hostname or "", names.SERVER_PORT.name: port}


def _error(reason: str) -> Attributes:
    """Return the error type of *reason*; the conventions want the bare status code."""
    return {names.ERROR_TYPE.name: reason.removeprefix("HTTP ")}


def _recorder(
    duration: Histogram, component: Attributes
) -> Callable[[float, int | None, str | None], None]:
    def record(seconds: float, status: int | None, error: str | None) -> None:
        answered = {} if status is None else {names.STATUS_CODE.name: status}
        failed = {} if error is None else _error(error)
        duration.record(seconds, component | answered | failed)

    return record


def _collection_recorder(
    duration: Histogram, component: Attributes
) -> Callable[[float, str | None], None]:
    def record(seconds: float, error: str | None) -> None:
        duration.record(seconds, component | ({} if error is None else _error(error)))

    return record


def _observe_queue(meter: Meter, lane: Lane, component: Attributes) -> None:
    def processed() -> list[Reading]:
        overflowed = lane.ledger.overflowed()
        failed = [(overflowed, component | _error("queue_full"))] if overflowed else []
        return [(lane.ledger.produced() - overflowed - len(lane.queue), component), *failed]

    _create(meter, names.QUEUE_SIZE[lane.signal], lambda: [(len(lane.queue), component)])
    _create(meter, names.QUEUE_CAPACITY[lane.signal], lambda: [(lane.queue.capacity, component)])
    _create(meter, names.PROCESSED[lane.signal], processed)


def _observe_exporter(meter: Meter, lane: Lane, component: Attributes) -> None:
    def exported() -> list[Reading]:
        delivered, dropped = lane.ledger.exported()
        failed = [
            (items, component | _error(reason))
            for reason, items in dropped.items()
            if reason != SUPERSEDED
        ]
        return [(delivered, component), *failed]

    _create(meter, names.IN_FLIGHT[lane.signal], lambda: [(lane.sender.in_flight(), component)])
    _create(meter, names.EXPORTED[lane.signal], exported)


def _observe_ours(meter: Meter, lanes: list[Lane]) -> None:
    def signal(lane: Lane) -> Attributes:
        return {names.SIGNAL.name: lane.signal}

    _create(
        meter,
        names.DUPLICATES,
        lambda: [(lane.ledger.accounting().duplicates, signal(lane)) for lane in lanes],
    )
    _create(
        meter,
        names.WAITING,
        lambda: [(lane.ledger.accounting().waiting, signal(lane)) for lane in lanes],
    )


def _create(meter: Meter, metric: Metric, read: Callable[[], list[Reading]]) -> None:
    def callback(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, attributes) for value, attributes in read()]

    create = (
        meter.create_observable_counter
        if metric.instrument == "counter"
        else meter.create_observable_up_down_counter
    )
    create(metric.name, [callback], unit=metric.unit, description=metric.brief)
