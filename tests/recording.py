"""Telemetry that keeps what was recorded in memory, and touches nothing global but the log chain."""

from __future__ import annotations

from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_flow.delivery import build_pipeline
from otel_flow.instrumentation import libraries
from otel_flow.log_chain import build_log_chain
from otel_flow.providers import build_logger_provider, build_meter_provider, build_tracer_provider
from otel_flow.resource import build_resource
from otel_flow.settings import Settings
from otel_flow.telemetry import Telemetry


class Recording:
    """A running handle, and what was recorded through it."""

    def __init__(self, **keywords: object) -> None:
        keywords = {"service_name": "test", "log_format": "json", **keywords}
        nothing = {f"{signal}_exporters": () for signal in ("traces", "metrics", "logs")}
        self.settings = Settings(**keywords, **nothing)
        resource = build_resource(self.settings, instance_id="test")
        self._spans = InMemorySpanExporter()
        self._records = InMemoryLogRecordExporter()
        self._reader = InMemoryMetricReader()
        pipeline = build_pipeline(self.settings)
        meter_provider = build_meter_provider(
            self.settings, resource, metric_readers=[self._reader]
        )
        providers = {"meter_provider": meter_provider}
        logger_provider = build_logger_provider(
            self.settings,
            resource,
            log_record_processors=[SimpleLogRecordProcessor(self._records)],
            **providers,
        )
        self._chain = build_log_chain(self.settings, resource, logger_provider)
        self._chain.install()
        self.telemetry = Telemetry(
            settings=self.settings,
            resource=resource,
            tracer_provider=build_tracer_provider(
                self.settings,
                resource,
                span_processors=[SimpleSpanProcessor(self._spans)],
                **providers,
            ),
            meter_provider=meter_provider,
            logger_provider=logger_provider,
            pipeline=pipeline,
            dispatch=libraries.instrument,
            log=self._chain.write,
            set_log_level=self._chain.set_level,
            is_logged=self._chain.is_logged,
            recurring=self._chain.recurring,
        )

    def close(self) -> None:
        self._chain.uninstall()
        self.telemetry.shutdown(5)
        self.telemetry.meter_provider.shutdown()
        self.telemetry.tracer_provider.shutdown()
        self.telemetry.logger_provider.shutdown()

    def spans(self) -> list:
        """The spans that ended, in that order."""
        return list(self._spans.get_finished_spans())

    def span(self, name: str) -> object:
        """The one span of *name*."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def records(self) -> list:
        """The log records, in order."""
        return [data.log_record for data in self._records.get_finished_logs()]

    def points(self, name: str) -> list:
        """The data points of metric *name*; none if nothing recorded it."""
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]
