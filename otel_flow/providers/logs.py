"""The logger provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from otel_flow.delivery.processors import FlowLogRecordProcessor
from otel_flow.process.locks import renew_locks_within
from otel_flow.providers import seams
from otel_flow.providers.fork import RenewedAfterFork, hooks_elsewhere
from otel_flow.providers.redacting import RedactingLogRecordProcessor


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider

    from otel_flow.otlp.records import LogEvent
    from otel_flow.providers.fork import ResourceRenewal
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


class FlowLoggerProvider(RenewedAfterFork, LoggerProvider):
    """The SDK's logger provider with our handling of forks, and the policy before processors."""

    redaction: Redaction | None = None

    take: Callable[[LogEvent], None] | None = None
    """
    Takes a log event of our chain where nothing but the engine, or nothing, waits for records.

    None where a processor wants the SDK's own records, or the SDK counts them.
    """

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Have *log_record_processor* see every log record, without secrets."""
        if self.redaction is not None:
            log_record_processor = RedactingLogRecordProcessor(log_record_processor, self.redaction)
        super().add_log_record_processor(log_record_processor)
        self.choose_way()

    def choose_way(self) -> None:
        """See whether there is a short way for events of our chain."""
        self.take = None
        # Its own count of records (otel.sdk.log.created) is the SDK's business.
        if type(self._logger_metrics).__name__ != "NoOpLoggerMetrics":
            return
        processors = self._multi_log_record_processor._log_record_processors
        if not processors:
            self.take = _drop
        elif len(processors) == 1 and isinstance(processors[0], FlowLogRecordProcessor):
            self.take = processors[0].take

    def _renew_parts(self) -> None:
        renew_locks_within(self._multi_log_record_processor)

    def _take_resource(self, resource: Resource) -> None:
        self._resource = resource
        for logger in list(self._active_loggers):
            logger._resource = resource


def _drop(_event: LogEvent) -> None:
    """Take an event that nobody waits for."""


def build_logger_provider(
    settings: Settings,
    resource: Resource,
    *,
    log_record_processors: Iterable[LogRecordProcessor],
    meter_provider: MeterProvider,
    renewal: ResourceRenewal | None = None,
    redaction: Redaction | None = None,
) -> LoggerProvider:
    """
    Return a logger provider that feeds *log_record_processors*, in their order.

    They see records as they are; what is added later sees them through *redaction*.
    Nothing global is touched, and the provider has no exit handler of its own.
    """
    kind = FlowLoggerProvider if seams.carries("logs") else LoggerProvider
    provider = kind(
        resource=resource,
        shutdown_on_exit=False,
        meter_provider=meter_provider,
        **_limits(settings),
    )
    for processor in log_record_processors:
        provider.add_log_record_processor(processor)
    if isinstance(provider, FlowLoggerProvider):
        provider.redaction = redaction
        provider.choose_way()
        if renewal is not None:
            provider.renew_with(renewal)
    return provider


def probe() -> None:
    """Try out what this module builds on; raises whatever the SDK makes of it."""
    exporter: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = FlowLoggerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.choose_way()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("probe")
    provider._renew_parts()
    provider._take_resource(Resource({"forked": True}))
    logger.emit(LogRecord(body="own"))
    provider.shutdown()
    told = [dict(data.resource.attributes) for data in exporter.get_finished_logs()]
    if told != [{"forked": True}] or hooks_elsewhere(LoggerProvider):
        raise ValueError(f"after a fork the resources of log records are {told}")


def _limits(settings: Settings) -> dict[str, Any]:
    """Return the limits of records as a keyword of the SDK's provider, none before 1.44."""
    limits = settings.limits
    length = limits.log_attribute_value_length
    unset = getattr(LogRecordLimits, "UNSET", None)
    if unset is None:
        return {}
    own = LogRecordLimits(
        max_attributes=limits.attribute_count,
        max_log_record_attributes=limits.log_attribute_count,
        max_log_record_attribute_length=unset if length is None else length,
    )
    return {"log_record_limits": own}
