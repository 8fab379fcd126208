"""The two sides of the differential test: upstream's SDK and our short paths, set up alike."""

import itertools

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import get_current_span

from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, span_encoder
from otel_flow.delivery.processors import FlowLogRecordProcessor, FlowSpanProcessor
from otel_flow.delivery.queue import ItemQueue
from otel_flow.otlp.records import LogEvent
from otel_flow.providers import build_logger_provider, build_meter_provider, build_tracer_provider
from otel_flow.providers.bound import bind
from otel_flow.providers.metrics import _EXEMPLAR_FILTERS
from tests.otlp.decoding import decoded


class CountingIds(IdGenerator):
    """The ids 1, 2, 3, … on either side."""

    def __init__(self):
        self._ids = itertools.count(1)

    def generate_span_id(self):
        return next(self._ids)

    def generate_trace_id(self):
        return next(self._ids) << 70


class Upstream:
    """Everything through the SDK and upstream's encoders."""

    def __init__(self, plan):
        self.collections = []
        self._spans, self._logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
        self._reader = plan.reader()
        self.meter_provider = MeterProvider(
            [self._reader],
            plan.resource,
            _EXEMPLAR_FILTERS[plan.settings.exemplar_filter](),
            shutdown_on_exit=False,
            views=plan.views(),
        )
        # The limits are the ones that our builders derive from the settings.
        self.tracer_provider = TracerProvider(
            plan.sampler,
            plan.resource,
            shutdown_on_exit=False,
            id_generator=plan.ids(),
            span_limits=plan.ours.tracer_provider._span_limits,
            meter_provider=self.meter_provider,
        )
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.logger_provider = LoggerProvider(
            plan.resource,
            shutdown_on_exit=False,
            meter_provider=self.meter_provider,
            log_record_limits=plan.ours.logger_provider._log_record_limits,
        )
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))

    def record(self, instrument, value, attributes, *, bound):
        del bound
        _verb(instrument)(value, attributes)

    def log(self, scope, record, *, event):
        del event
        self.logger_provider.get_logger(*scope).emit(LogRecord(**record))

    def collect(self):
        if data := self._reader.get_metrics_data():
            self.collections.append(encode_metrics(data))

    def told(self):
        """Return what a receiver decodes: spans, log records, and each collection."""
        return (
            encode_spans(self._spans.get_finished_spans()),
            encode_logs(self._logs.get_finished_logs()),
            self.collections,
        )


class Ours:
    """Everything through bound instruments, lean spans, log events and our encoders."""

    def __init__(self, plan):
        settings, resource = plan.settings, plan.resource
        self.collections = []
        self._reader = plan.reader()
        self._encode_metrics = MetricsEncoder()
        self._spans, self._logs = (
            ItemQueue(capacity=10_000, urgent=10_000, drop="newest", wake=lambda: None)
            for _ in range(2)
        )
        self.meter_provider = build_meter_provider(
            settings, resource, metric_readers=[self._reader], views=plan.views()
        )
        flush = {"flush": lambda timeout: True, "timeout": 1}
        self.tracer_provider = build_tracer_provider(
            settings,
            resource,
            span_processors=[FlowSpanProcessor(self._spans, **flush)],
            meter_provider=self.meter_provider,
            sampler=plan.sampler,
            id_generator=plan.ids(),
        )
        self.logger_provider = build_logger_provider(
            settings,
            resource,
            log_record_processors=[FlowLogRecordProcessor(self._logs, **flush)],
            meter_provider=self.meter_provider,
        )
        self._encode_spans = span_encoder(None, max_items=None)
        self._encode_logs = log_encoder(
            None, max_items=None, limits=settings.limits, resource=lambda: resource
        )
        self._handles = {}

    def record(self, instrument, value, attributes, *, bound):
        if not bound:
            _verb(instrument)(value, attributes)
            return
        key = id(instrument), repr(attributes)
        if key not in self._handles:
            self._handles[key] = bind(instrument, attributes or {})
        self._handles[key].record(value)

    def log(self, scope, record, *, event):
        if not event:
            self.logger_provider.get_logger(*scope).emit(LogRecord(**record))
            return
        context = get_current_span().get_span_context()
        number = record.pop("severity_number") or SeverityNumber.UNSPECIFIED
        made = LogEvent(
            scope=InstrumentationScope(*scope),
            severity_number=number.value,
            trace_id=context.trace_id,
            span_id=context.span_id,
            trace_flags=context.trace_flags,
            **record,
        )
        self._logs.append(made)

    def collect(self):
        if data := self._reader.get_metrics_data():
            (chunk,) = self._encode_metrics([data], _refuse)
            self.collections.append(decoded("metrics", chunk.body))

    def told(self):
        """Return what a receiver decodes: spans, log records, and each collection."""
        spans, logs = (
            decoded(signal, b"".join(c.body for c in encode(queue.take(10_000), _refuse)))
            for signal, encode, queue in (
                ("traces", self._encode_spans, self._spans),
                ("logs", self._encode_logs, self._logs),
            )
        )
        return spans, logs, self.collections


def _refuse(items, reason):
    raise AssertionError(f"{items} items dropped: {reason}")


def _verb(instrument):
    return next(
        getattr(instrument, verb) for verb in ("add", "record", "set") if hasattr(instrument, verb)
    )


def reader(temporality):
    """Return a reader that prefers *temporality* for every instrument."""
    return InMemoryMetricReader(preferred_temporality=temporality)
