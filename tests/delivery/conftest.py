import pytest

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_flow.delivery import build_pipeline
from otel_flow.settings import BatchSettings, OtlpSettings, Settings
from tests.delivery.backend import Backend


class Harness:
    """A pipeline with real SDK providers around it."""

    def __init__(self, settings, **exporters):
        self.pipeline = build_pipeline(settings, **exporters)
        resource = Resource({"service.name": "shop"})
        self.meters = MeterProvider(self.pipeline.metric_readers, resource, shutdown_on_exit=False)
        self.tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        for processor in self.pipeline.span_processors:
            self.tracers.add_span_processor(processor)
        self.loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        for processor in self.pipeline.log_record_processors:
            self.loggers.add_log_record_processor(processor)
        self.tracer = self.tracers.get_tracer("test")
        self.meter = self.meters.get_meter("test")
        self.logger = self.loggers.get_logger("test")

    def span(self, name="work", **attributes):
        self.tracer.start_span(name, attributes=attributes).end()

    def log(self, body="line"):
        self.logger.emit(LogRecord(body=body, severity_number=SeverityNumber.INFO))

    def numbers(self, signal):
        return self.pipeline.accounting()[signal]


@pytest.fixture
def backend():
    """A backend that takes everything until told otherwise."""
    running = Backend()
    yield running
    running.close()


@pytest.fixture
def build():
    """Build harnesses that send to a base URL, and stop them at the end."""
    started = []

    def build(
        base,
        *,
        delay=0.01,
        batch=None,
        queue=None,
        otlp=None,
        exact=False,
        exporters=None,
        **keywords,
    ):
        batches = BatchSettings(
            schedule_delay=delay, max_export_batch_size=batch, max_queue_size=queue
        )
        targets = {
            f"otlp_{s}": OtlpSettings(endpoint=base if exact else f"{base}/v1/{s}", **(otlp or {}))
            for s in ("traces", "metrics", "logs")
        }
        settings = Settings(**{"span_batch": batches, "log_batch": batches, **targets, **keywords})
        harness = Harness(settings, **(exporters or {}))
        started.append(harness)
        return harness

    yield build
    for harness in started:
        harness.pipeline.shutdown(0.2)


@pytest.fixture
def base(backend):
    return f"http://127.0.0.1:{backend.port}"
