"""
The two pipelines of the micro benchmarks, upstream's and ours, without thread and network.

Both record the same and throw away what they queue. No engine empties ours: what is measured
runs on the thread that asks for it, in the same order each time.
"""

import logging
import sys
import time

import structlog

from opentelemetry._logs import LogRecord, SeverityNumber, set_logger_provider
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import set_meter_provider
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import get_current_span, set_tracer_provider

from otel_flow.bootstrap.globals import build_propagator
from otel_flow.delivery import build_pipeline
from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, span_encoder
from otel_flow.delivery.processors import FlowLogRecordProcessor, FlowSpanProcessor
from otel_flow.delivery.queue import ItemQueue
from otel_flow.instrumentation import libraries
from otel_flow.log_chain import build_log_chain
from otel_flow.otlp.records import LogEvent
from otel_flow.providers import build_logger_provider, build_meter_provider, build_tracer_provider
from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings
from otel_flow.telemetry import Telemetry


RESOURCE = Resource({"service.name": "bench"})
SETTINGS = Settings(
    service_name="bench",
    log_format="json",
    # uvicorn's lines are off in the other benchmarks, and nobody else writes any.
    access_log=False,
    traces_exporters=(),
    metrics_exporters=(),
    logs_exporters=(),
)
CAPACITY = 1000
_SCOPE = InstrumentationScope("shop.orders")


class _Keeping(SpanProcessor, LogRecordProcessor):
    """What upstream's spans and records are handed to: as little as can be, but for the queue."""

    def __init__(self):
        self.kept = ItemQueue(capacity=CAPACITY, urgent=CAPACITY, drop="oldest", wake=lambda: None)

    def on_end(self, span):
        self.kept.append(span)

    def on_emit(self, log_record):
        self.kept.append(log_record)

    def shutdown(self):
        """Do nothing."""

    def force_flush(self, timeout_millis=30_000):
        del timeout_millis
        return True


class Bare:
    """No telemetry at all."""

    def serve(self):
        pass

    def instrument(self, library, target):
        pass


class Upstream:
    """The SDK, contrib's instrumentations and the encoder of its OTLP exporters."""

    def __init__(self, sampler=None):
        spans, records = _Keeping(), _Keeping()
        self.reader = InMemoryMetricReader()
        self.spans, self.records = spans.kept, records.kept
        self.tracer_provider = TracerProvider(sampler, RESOURCE, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(spans)
        self.meter_provider = MeterProvider([self.reader], RESOURCE, shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(records)

    def emit(self, body, attributes):
        """Have a record of the current span wait in the queue."""
        level = SeverityNumber.INFO
        record = LogRecord(
            timestamp=time.time_ns(),
            severity_number=level,
            severity_text=level.name,
            body=body,
            attributes=attributes,
        )
        self.logger_provider.get_logger("shop.orders").emit(record)

    def encode_spans(self, spans):
        return encode_spans(spans).SerializeToString()

    def encode_records(self, records):
        return encode_logs(records).SerializeToString()

    def encode_metrics(self, data):
        return encode_metrics(data).SerializeToString()

    def serve(self):
        """Have contrib's instrumentations find the providers."""
        set_tracer_provider(self.tracer_provider)
        set_meter_provider(self.meter_provider)
        set_logger_provider(self.logger_provider)
        from opentelemetry.instrumentation.structlog import StructlogInstrumentor

        StructlogInstrumentor().instrument()

    def instrument(self, library, target):
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        if library == "fastapi":
            FastAPIInstrumentor.instrument_app(target)
        elif library == "redis":
            RedisInstrumentor.instrument_client(target)
        elif library == "celery":
            CeleryInstrumentor().instrument(skip_dep_check=True)
        else:
            SQLAlchemyInstrumentor().instrument(engine=target, skip_dep_check=True)

    def log(self, stream):
        """Return a logger of structlog: stdlib's lines with ids, and contrib's handler."""
        from opentelemetry import trace
        from opentelemetry.instrumentation.logging.handler import LoggingHandler

        def ids(_logger, _name, event):
            context = trace.get_current_span().get_span_context()
            event["trace_id"] = format(context.trace_id, "032x")
            event["span_id"] = format(context.span_id, "016x")
            return event

        handlers = [
            logging.StreamHandler(stream),
            LoggingHandler(logger_provider=self.logger_provider),
        ]
        logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                ids,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        return structlog.get_logger("shop.orders")


class Ours:
    """Our providers, log chain, instrumentations and encoders, redaction included."""

    def __init__(self, sampler=None, settings=SETTINGS):
        spans, records = _queue(), _queue()
        self.reader = InMemoryMetricReader()
        self.spans, self.records = spans, records
        self._redaction = redaction = build_redaction(settings)
        self.meter_provider = build_meter_provider(
            settings, RESOURCE, metric_readers=[self.reader], redaction=redaction
        )
        others = {"meter_provider": self.meter_provider}
        waits = {"flush": lambda _timeout: True, "timeout": 1}
        self.tracer_provider = build_tracer_provider(
            SETTINGS,
            RESOURCE,
            span_processors=[FlowSpanProcessor(spans, **waits)],
            sampler=sampler,
            **others,
        )
        self.logger_provider = build_logger_provider(
            SETTINGS,
            RESOURCE,
            log_record_processors=[FlowLogRecordProcessor(records, **waits)],
            **others,
        )
        self._spans = span_encoder(redaction, max_items=None)
        self._metrics = MetricsEncoder(redaction)
        self._records = log_encoder(
            redaction, max_items=None, limits=SETTINGS.limits, resource=lambda: RESOURCE
        )

    def emit(self, body, attributes):
        """Have a record of the current span wait in the queue, as our log chain does."""
        context = get_current_span().get_span_context()
        now = time.time_ns()
        event = LogEvent(
            scope=_SCOPE,
            timestamp=now,
            observed_timestamp=now,
            severity_number=SeverityNumber.INFO.value,
            severity_text="INFO",
            body=body,
            attributes=attributes,
            trace_id=context.trace_id,
            span_id=context.span_id,
            trace_flags=context.trace_flags,
        )
        self.records.append(event)

    def encode_spans(self, spans):
        return list(self._spans(spans, _refuse))

    def encode_records(self, records):
        return list(self._records(records, _refuse))

    def encode_metrics(self, data):
        return list(self._metrics([data], _refuse))

    def serve(self):
        self._chain = build_log_chain(SETTINGS, RESOURCE, self.logger_provider)
        self._chain.install()
        set_global_textmap(build_propagator(SETTINGS, self._redaction))
        self._telemetry = Telemetry(
            settings=SETTINGS,
            resource=RESOURCE,
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
            logger_provider=self.logger_provider,
            # Without exporters: it has nothing to do, and starts no thread.
            pipeline=build_pipeline(SETTINGS),
            dispatch=libraries.instrument,
            log=self._chain.write,
            is_logged=self._chain.is_logged,
            recurring=self._chain.recurring,
        )

    def instrument(self, library, target):
        del library
        self._telemetry.instrument(target)

    def log(self, stream):
        """Return a logger of structlog under our chain, whose lines go to *stream*."""
        sys.stdout = stream
        self.serve()
        return structlog.get_logger("shop.orders")


def _queue():
    return ItemQueue(capacity=CAPACITY, urgent=CAPACITY, drop="oldest", wake=lambda: None)


def _refuse(items, reason):
    raise RuntimeError(f"{items} not encoded: {reason}")


SIDES = {"bare": Bare, "upstream": Upstream, "ours": Ours}
