"""The pipeline: what the providers feed, and how it is emptied under one deadline."""

from __future__ import annotations

import dataclasses
import time

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from otel_flow.delivery.assembly import add_exporter, build_engine, carries
from otel_flow.delivery.collection import FlowMetricReader
from otel_flow.delivery.deadline import start_all, wait_all
from otel_flow.delivery.foreign import ForeignLogRecordProcessor, ForeignSpanProcessor
from otel_flow.delivery.pace import step
from otel_flow.delivery.processors import FlowLogRecordProcessor, FlowSpanProcessor
from otel_flow.delivery.redacting import RedactingLogRecordExporter, RedactingSpanExporter
from otel_flow.delivery.report import logger
from otel_flow.delivery.scrape import Scrape, ScrapeReader
from otel_flow.delivery.self_metrics import observe
from otel_flow.names import environment
from otel_flow.process.fork import on_fork
from otel_flow.process.stillness import still_while_forking
from otel_flow.redaction import build_redaction


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor

    from otel_flow.delivery.accounting import Accounting, FlushReport
    from otel_flow.delivery.engine import Engine
    from otel_flow.process.identity import Identity
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


PULL = "prometheus"
"""The exporter of metrics that waits to be asked."""

_OURS = (FlowSpanProcessor, FlowLogRecordProcessor, ForeignLogRecordProcessor, FlowMetricReader)

_CONSOLE: dict[str, Callable[[], Any]] = {
    "traces": ConsoleSpanExporter,
    "metrics": ConsoleMetricExporter,
    "logs": ConsoleLogRecordExporter,
}
_GROUPS = {
    "traces": environment.TRACES_EXPORTER_GROUP,
    "metrics": environment.METRICS_EXPORTER_GROUP,
    "logs": environment.LOGS_EXPORTER_GROUP,
}


class Pipeline:
    """
    Processors and readers of the three signals, in front of the engine.

    *exporters* of others are emptied by the engine, and flushed and stopped here. What
    is upstream's is the reader of another exporter of metrics, and what prints.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        span_processors: Iterable[SpanProcessor],
        log_record_processors: Iterable[LogRecordProcessor],
        metric_readers: Iterable[MetricReader],
        exporters: Iterable[Any] = (),
    ) -> None:
        self.span_processors = tuple(span_processors)
        self.log_record_processors = tuple(log_record_processors)
        self.metric_readers = tuple(metric_readers)
        self._exporters = tuple(exporters)
        self._engine = engine
        self._undo_fork = on_fork(child=engine.after_fork, starts=True)
        self._undo_still = still_while_forking(engine.before_fork, engine.after_fork_in_parent)
        if engine.collection is not None:
            engine.wake()

    @property
    def _foreign(self) -> tuple[Any, ...]:
        """Upstream's processors and readers, which know nothing of the engine."""
        parts = (*self.metric_readers, *self.span_processors, *self.log_record_processors)
        return tuple(part for part in parts if not isinstance(part, _OURS))

    @property
    def scrape(self) -> Scrape | None:
        """What Prometheus can scrape: the cumulative values of a reader, None where none has any."""
        for reader in self.metric_readers:
            if isinstance(reader, ScrapeReader):
                return Scrape(reader)
        collection = self._engine.collection
        if collection is None or not collection.reader.cumulative:
            return None
        return collection.reader.scrape

    def attach(self, meter_provider: MeterProvider) -> None:
        """
        Have the engine describe itself by metrics of *meter_provider* (``otel.sdk.*``).

        Nothing is created where no reader would collect it.
        """
        if self.metric_readers:
            observe(meter_provider, self._engine.lanes.values(), self._engine.collection)

    def before_collection(self, confirm: Callable[[], object]) -> None:
        """Call *confirm* before each collection of metrics, on the thread that collects."""
        if self._engine.collection is not None:
            self._engine.collection.confirm = confirm

    def accounting(self) -> dict[str, Accounting]:
        """Return what became of everything the engine was given, by signal."""
        return self._engine.accounting()

    def force_flush(self, timeout: float) -> bool:
        """Deliver what is queued and return within *timeout* seconds whether all of it arrived."""
        return self._flush(self._engine.flush, timeout)

    def finish(self, timeout: float) -> bool:
        """Flush where the process probably ends: what is left behind is said."""
        return self._flush(self._engine.finish, timeout)

    def _flush(self, engine: Callable[[float], bool], timeout: float) -> bool:
        end = time.monotonic() + timeout
        calls = start_all(map(_flushing, self._foreign), end)
        delivered = engine(timeout)
        flushable = (part for part in self._exporters if hasattr(part, "force_flush"))
        calls += start_all(map(_flushing, flushable), end)
        return wait_all(calls, end) and delivered

    def shutdown(self, timeout: float) -> FlushReport:
        """Deliver what is queued, stop, and return within *timeout* seconds what was achieved."""
        end = time.monotonic() + timeout
        calls = start_all(map(_stopping, self._foreign), end)
        report = self._engine.shutdown(timeout)
        self._undo_fork()
        self._undo_still()
        calls += start_all(map(_stopping, self._exporters), end)
        if wait_all(calls, end):
            return report
        return dataclasses.replace(report, delivered=False)


def _flushing(part: Any) -> Callable[[float], object]:
    return lambda seconds: part.force_flush(seconds * 1000)


def _stopping(part: Any) -> Callable[[float], object]:
    return lambda _seconds: part.shutdown()


def build_pipeline(
    settings: Settings,
    *,
    identity: Identity | None = None,
    redaction: Redaction | None = None,
    resource: Callable[[], Resource | None] = lambda: None,
    span_exporters: Sequence[Any] = (),
    metric_exporters: Sequence[Any] = (),
    log_exporters: Sequence[Any] = (),
) -> Pipeline:
    """
    Return the pipeline of the exporters that *settings* name and of those passed.

    With the *identity* of the process, each series that begins is preceded by a zero
    where another process may have had that identity before. The engine asks *resource*
    for the resource of log events that have none.
    An exporter that cannot be built is named in one log line; the others go on.
    Spans and log records pass *redaction*, by default the settings', on their way to any
    exporter; metrics pass it where they are collected.
    """
    redaction = build_redaction(settings) if redaction is None else redaction
    unhurried = redaction.with_steps(lambda: step)
    spans = [*_exporters(settings, "traces"), *span_exporters]
    metrics = [*_exporters(settings, "metrics"), *metric_exporters]
    logs = [*_exporters(settings, "logs"), *log_exporters]
    ours = build_engine(
        settings,
        since=lambda: identity.since if identity else None,
        redactor=unhurried,
        resource=resource,
    )
    timeout = settings.shutdown_timeout
    queued: list[Any] = []

    def processor(signal: str, exporter: Any) -> Any:
        kinds = _KINDS[signal]
        if isinstance(exporter, kinds.console):
            return kinds.simple(kinds.redacting(exporter, redaction))
        wrapped = kinds.redacting(exporter, unhurried)
        queued.append(exporter)
        lane = add_exporter(ours.engine, settings, signal, exporter, wrapped=wrapped)
        return kinds.queueing(lane.queue, flush=ours.engine.flush, timeout=timeout)

    return Pipeline(
        engine=ours.engine,
        span_processors=[*ours.span_processors, *(processor("traces", e) for e in spans)],
        log_record_processors=[*ours.log_record_processors, *(processor("logs", e) for e in logs)],
        metric_readers=[
            *ours.metric_readers,
            *(_metric_reader(exporter, settings) for exporter in metrics),
            *_scrape_readers(settings),
        ],
        exporters=queued,
    )


class _Kinds(NamedTuple):
    """What surrounds an exporter of one signal."""

    redacting: Any
    console: type
    simple: Any
    """Prints at once, on the thread that ends the span or writes the record."""
    queueing: Any


_KINDS = {
    "traces": _Kinds(
        RedactingSpanExporter, ConsoleSpanExporter, SimpleSpanProcessor, ForeignSpanProcessor
    ),
    "logs": _Kinds(
        RedactingLogRecordExporter,
        ConsoleLogRecordExporter,
        SimpleLogRecordProcessor,
        ForeignLogRecordProcessor,
    ),
}


def _scrape_readers(settings: Settings) -> list[MetricReader]:
    """Return a reader for scrapers where they are asked for and the engine has no cumulative one."""
    if PULL not in settings.metrics_exporters:
        return []
    shared = carries(settings, "metrics") and settings.metric_temporality == "cumulative"
    return [] if shared else [ScrapeReader()]


def _exporters(settings: Settings, signal: str) -> list[Any]:
    built = []
    for name in getattr(settings, f"{signal}_exporters"):
        if name == PULL or (name == "otlp" and carries(settings, signal)):
            continue
        # Third-party constructors raise what they like, and a missing exporter must
        # not take the others with it.
        try:
            built.append(_exporter(signal, name))
        except Exception as error:
            logger.error("the %s exporter %s is left out: %s", signal, name, error)
    return built


def _exporter(signal: str, name: str) -> Any:
    if name == "console":
        return _CONSOLE[signal]()
    (entry_point, *_) = entry_points(group=_GROUPS[signal], name=name)
    return entry_point.load()()


def _metric_reader(exporter: Any, settings: Settings) -> MetricReader:
    return PeriodicExportingMetricReader(
        exporter,
        export_interval_millis=settings.metric_interval * 1000,
        export_timeout_millis=settings.metric_timeout * 1000,
    )
