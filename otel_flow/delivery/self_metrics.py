"""What the engine says about itself: observed at collection, so that items cost nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from otel_flow.names import delivery as names


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider

    from otel_flow.delivery.lane import Lane
    from otel_flow.names.model import Metric


_SCOPE = "otel_flow.delivery"
_SUPERSEDED = "superseded"

Reading = tuple[int, dict[str, str]]


def observe(meter_provider: MeterProvider, lanes: Iterable[Lane]) -> None:
    """Create the instruments that read *lanes*, and have them record their requests."""
    meter = meter_provider.get_meter(_SCOPE)
    duration = meter.create_histogram(
        names.DURATION.name,
        unit=names.DURATION.unit,
        description=names.DURATION.brief,
        explicit_bucket_boundaries_advisory=list(names.DURATION.buckets),
    )
    for lane in lanes:
        exporter = _component(lane, "otlp_http_{}_exporter")
        _observe_exporter(meter, lane, exporter)
        if lane.signal in names.QUEUE_SIZE:
            _observe_queue(meter, lane, _component(lane, "batching_{}_processor"))
        lane.on_request = _recorder(duration, exporter)
    _observe_ours(meter, list(lanes))


def _component(lane: Lane, pattern: str) -> dict[str, str]:
    kind = pattern.format(names.ITEM_NAMES[lane.signal])
    return {
        names.COMPONENT_TYPE.name: kind,
        names.COMPONENT_NAME.name: f"{kind}/0",
    }


def _recorder(
    duration: Any, component: dict[str, str]
) -> Callable[[float, int | None, str | None], None]:
    def record(seconds: float, status: int | None, error: str | None) -> None:
        attributes: dict[str, str | int] = dict(component)
        if status is not None:
            attributes[names.STATUS_CODE.name] = status
        if error is not None:
            attributes[names.ERROR_TYPE.name] = error
        duration.record(seconds, attributes)

    return record


def _observe_queue(meter: Meter, lane: Lane, component: dict[str, str]) -> None:
    def processed() -> list[Reading]:
        full = {names.ERROR_TYPE.name: "queue_full"}
        overflowed = lane.overflowed()
        failed = [(overflowed, component | full)] if overflowed else []
        return [(lane.produced() - overflowed - len(lane.queue), component), *failed]

    _create(meter, names.QUEUE_SIZE[lane.signal], lambda: [(len(lane.queue), component)])
    _create(meter, names.QUEUE_CAPACITY[lane.signal], lambda: [(lane.queue.capacity, component)])
    _create(meter, names.PROCESSED[lane.signal], processed)


def _observe_exporter(meter: Meter, lane: Lane, component: dict[str, str]) -> None:
    def exported() -> list[Reading]:
        numbers = lane.accounting()
        failed = [
            (items, component | {names.ERROR_TYPE.name: reason})
            for reason, items in numbers.dropped.items()
            if reason != _SUPERSEDED
        ]
        return [(numbers.delivered, component), *failed]

    _create(meter, names.IN_FLIGHT[lane.signal], lambda: [(lane.in_flight(), component)])
    _create(meter, names.EXPORTED[lane.signal], exported)


def _observe_ours(meter: Meter, lanes: list[Lane]) -> None:
    def signal(lane: Lane) -> dict[str, str]:
        return {names.SIGNAL.name: lane.signal}

    _create(
        meter,
        names.DUPLICATES,
        lambda: [(lane.accounting().duplicates, signal(lane)) for lane in lanes],
    )
    _create(
        meter,
        names.WAITING,
        lambda: [(lane.accounting().waiting, signal(lane)) for lane in lanes],
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
