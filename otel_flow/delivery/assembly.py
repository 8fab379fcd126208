"""The engine with its lanes, as the settings want it."""

from __future__ import annotations

import functools
import threading

from typing import TYPE_CHECKING, Any, NamedTuple

from otel_flow.delivery.backlog import Backlog
from otel_flow.delivery.collection import Collection, FlowMetricReader
from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, span_encoder
from otel_flow.delivery.engine import Engine
from otel_flow.delivery.foreign import Batches, ExporterOutlet
from otel_flow.delivery.grpc_outlet import GrpcOutlet
from otel_flow.delivery.lane import Lane
from otel_flow.delivery.outlet import HttpOutlet
from otel_flow.delivery.preferences import metric_preferences
from otel_flow.delivery.processors import FlowLogRecordProcessor, FlowSpanProcessor
from otel_flow.delivery.queue import ItemQueue
from otel_flow.delivery.report import Report
from otel_flow.delivery.transport import Transport, server_of
from otel_flow.delivery.weight import ITEM_BYTES


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk.resources import Resource

    from otel_flow.delivery.encoding import Encoder
    from otel_flow.delivery.outlet import Outlet
    from otel_flow.otlp import Redactor
    from otel_flow.settings import BatchSettings, OtlpSettings, Settings


_URGENT = 512


class Parts(NamedTuple):
    """What an engine gives to the providers; a signal it does not carry is empty."""

    engine: Engine
    span_processors: tuple[FlowSpanProcessor, ...]
    log_record_processors: tuple[FlowLogRecordProcessor, ...]
    metric_readers: tuple[FlowMetricReader, ...]


def carries(settings: Settings, signal: str) -> bool:
    """Return whether the engine sends *signal* over OTLP."""
    return "otlp" in getattr(settings, f"{signal}_exporters")


def build_engine(
    settings: Settings,
    *,
    since: Callable[[], int | None] = lambda: None,
    redactor: Redactor | None = None,
    resource: Callable[[], Resource | None] = lambda: None,
) -> Parts:
    """
    Return the engine of all signals that it carries.

    *since* returns when this process took its ``service.instance.id`` over; see `Births`.
    *redactor* is asked before anything is sent. *resource* returns the resource of this
    process, for log events that come without one.
    """
    engine = Engine(threading.Condition())
    encoders: dict[str, Callable[[], Encoder]] = {
        "traces": lambda: span_encoder(
            redactor, max_items=settings.span_batch.max_export_batch_size
        ),
        "logs": lambda: log_encoder(
            redactor,
            max_items=settings.log_batch.max_export_batch_size,
            limits=settings.limits,
            resource=resource,
        ),
        "metrics": lambda: MetricsEncoder(redactor),
    }
    spans = _add(engine, settings, "traces", settings.span_batch, encoders)
    logs = _add(engine, settings, "logs", settings.log_batch, encoders)
    metrics = _add(engine, settings, "metrics", None, encoders)
    timeout = settings.shutdown_timeout
    return Parts(
        engine,
        tuple(FlowSpanProcessor(lane.queue, flush=engine.flush, timeout=timeout) for lane in spans),
        tuple(
            FlowLogRecordProcessor(lane.queue, flush=engine.flush, timeout=timeout) for lane in logs
        ),
        tuple(_reader(engine, settings, lane, since) for lane in metrics),
    )


def _reader(
    engine: Engine, settings: Settings, lane: Lane, since: Callable[[], int | None]
) -> FlowMetricReader:
    reader = FlowMetricReader(
        lane,
        flush=engine.flush,
        timeout=settings.shutdown_timeout,
        since=since,
        begin=engine.wake,
        **metric_preferences(settings),
    )
    engine.collection = Collection(
        reader, interval=settings.metric_interval, timeout=settings.metric_timeout
    )
    return reader


def _add(
    engine: Engine,
    settings: Settings,
    signal: str,
    batch: BatchSettings | None,
    encoders: Mapping[str, Callable[[], Encoder]],
) -> tuple[Lane, ...]:
    if not carries(settings, signal):
        return ()
    otlp: OtlpSettings = getattr(settings, f"otlp_{signal}")
    lane = _lane(
        engine,
        settings,
        signal,
        batch,
        encode=encoders[signal](),
        outlet=_outlet(settings, signal, otlp),
        goal=otlp.endpoint,
        timeout=min(otlp.timeout, batch.export_timeout if batch else settings.metric_timeout),
    )
    engine.lanes[signal] = lane
    return (lane,)


def _lane(
    engine: Engine,
    settings: Settings,
    signal: str,
    batch: BatchSettings | None,
    *,
    encode: Encoder,
    outlet: Outlet,
    goal: str,
    timeout: float,
) -> Lane:
    return Lane(
        signal=signal,
        queue=_queue(engine, settings, batch),
        encode=encode,
        outlet=outlet,
        reach=engine.reach_of(server_of(outlet.endpoint) or goal),
        report=Report(signal, goal, wake=engine.wake),
        timeout=timeout,
        schedule_delay=0.0 if batch is None else batch.schedule_delay,
        backlog=functools.partial(
            Backlog,
            limit=settings.queue_bytes // 3,
            drop=settings.queue_drop,
            max_items=batch.max_export_batch_size if batch else None,
        ),
        collapse=signal == "metrics" and settings.metric_temporality == "cumulative",
        changed=engine.changed,
    )


def add_exporter(
    engine: Engine, settings: Settings, signal: str, exporter: Any, *, wrapped: Any
) -> Lane:
    """
    Return a lane of its own for *exporter*, somebody else's, of spans or log records.

    What it is handed passes *wrapped*, the same exporter behind the redaction.
    """
    batch: BatchSettings = {"traces": settings.span_batch, "logs": settings.log_batch}[signal]
    outlet = ExporterOutlet(wrapped, exporter)
    name = type(exporter).__qualname__
    lane = _lane(
        engine,
        settings,
        signal,
        batch,
        encode=Batches(signal, batch.max_export_batch_size),
        outlet=outlet,
        goal=name,
        timeout=batch.export_timeout,
    )
    key = f"{signal} ({name})"
    while key in engine.lanes:
        key += "'"
    engine.lanes[key] = lane
    return lane


def _outlet(settings: Settings, signal: str, otlp: OtlpSettings) -> Outlet:
    if otlp.protocol == "grpc":
        return GrpcOutlet(signal, otlp)
    transport = Transport(otlp, proxy=settings.proxy_for(otlp.endpoint))
    return HttpOutlet(signal, otlp.endpoint, transport)


def _queue(engine: Engine, settings: Settings, batch: BatchSettings | None) -> ItemQueue:
    limit = settings.queue_bytes // 3
    capacity = (batch and batch.max_queue_size) or max(1, limit // ITEM_BYTES)
    size = (batch and batch.max_export_batch_size) or _URGENT
    return ItemQueue(
        capacity=capacity,
        limit=limit,
        urgent=min(size, max(1, capacity // 2)),
        drop=settings.queue_drop,
        wake=engine.wake,
    )
