"""What the engine says about itself: observed at collection, so that items cost nothing more."""

from __future__ import annotations

import collections

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.metrics import Observation

from otel_flow.delivery.accounting import SUPERSEDED
from otel_flow.names import delivery as names
from otel_flow.names.distribution import own_version


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider

    from otel_flow.delivery.collection import Collection
    from otel_flow.delivery.lane import Lane
    from otel_flow.names.model import Metric


Attributes = dict[str, str | int]
Reading = tuple[int, Attributes]
_Observed = tuple["Lane", Attributes]


def observe(
    meter_provider: MeterProvider, lanes: Iterable[Lane], collection: Collection | None
) -> None:
    """Create the instruments that read *lanes*, and have requests and collections be recorded."""
    meter = meter_provider.get_meter(names.SCOPE, own_version())
    duration = _histogram(meter, names.DURATION)
    lanes = list(lanes)
    components = _Components()
    exporters: dict[str, list[_Observed]] = {}
    queues: dict[str, list[_Observed]] = {}
    for lane in lanes:
        component = components.named(lane.outlet.component_type) | _server(lane.outlet.endpoint)
        exporters.setdefault(lane.signal, []).append((lane, component))
        lane.outlet.on_request = _recorder(duration, component)
        if processor := names.PROCESSOR_TYPES.get(lane.signal):
            queues.setdefault(lane.signal, []).append((lane, components.named(processor)))
    for signal, observed in exporters.items():
        _observe_exporters(meter, signal, observed)
    for signal, observed in queues.items():
        _observe_queues(meter, signal, observed)
    _observe_ours(meter, lanes)
    if collection is not None:
        collected = _histogram(meter, names.COLLECTION)
        collection.on_collected = _collection_recorder(
            collected, components.named(names.READER_TYPE)
        )


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.brief,
        explicit_bucket_boundaries_advisory=list(metric.buckets),
    )


class _Components:
    """Names components of one type by their number (semantic conventions: ``otel.component.name``)."""

    def __init__(self) -> None:
        self._numbers: collections.Counter[str] = collections.Counter()

    def named(self, kind: str) -> Attributes:
        number = self._numbers[kind]
        self._numbers[kind] += 1
        return {names.COMPONENT_TYPE.name: kind, names.COMPONENT_NAME.name: f"{kind}/{number}"}


def _server(endpoint: str) -> Attributes:
    """Return what is sent to, without credentials: host and port, or the path of a socket."""
    if not endpoint:
        return {}
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


def _observe_queues(meter: Meter, signal: str, observed: list[_Observed]) -> None:
    def processed() -> list[Reading]:
        found = []
        for lane, component in observed:
            overflowed = lane.ledger.overflowed()
            taken = lane.ledger.produced() - overflowed - len(lane.queue)
            found.append((taken, component))
            if overflowed:
                found.append((overflowed, component | _error("queue_full")))
        return found

    _create(
        meter, names.QUEUE_SIZE[signal], lambda: [(len(lane.queue), of) for lane, of in observed]
    )
    _create(
        meter,
        names.QUEUE_CAPACITY[signal],
        lambda: [(lane.queue.capacity, of) for lane, of in observed],
    )
    _create(meter, names.PROCESSED[signal], processed)


def _observe_exporters(meter: Meter, signal: str, observed: list[_Observed]) -> None:
    def exported() -> list[Reading]:
        found = []
        for lane, component in observed:
            delivered, dropped = lane.ledger.exported()
            found.append((delivered, component))
            found += [
                (items, component | _error(reason))
                for reason, items in dropped.items()
                if reason != SUPERSEDED
            ]
        return found

    _create(
        meter,
        names.IN_FLIGHT[signal],
        lambda: [(lane.sender.in_flight(), of) for lane, of in observed],
    )
    _create(meter, names.EXPORTED[signal], exported)


def _observe_ours(meter: Meter, lanes: list[Lane]) -> None:
    def total(number: str) -> list[Reading]:
        totals: collections.Counter[str] = collections.Counter()
        for lane in lanes:
            totals[lane.signal] += getattr(lane.ledger.accounting(), number)
        return [(count, {names.SIGNAL.name: signal}) for signal, count in totals.items()]

    _create(meter, names.DUPLICATES, lambda: total("duplicates"))
    _create(meter, names.WAITING, lambda: total("waiting"))


def _create(meter: Meter, metric: Metric, read: Callable[[], list[Reading]]) -> None:
    def callback(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, attributes) for value, attributes in read()]

    create = (
        meter.create_observable_counter
        if metric.instrument == "counter"
        else meter.create_observable_up_down_counter
    )
    create(metric.name, [callback], unit=metric.unit, description=metric.brief)
