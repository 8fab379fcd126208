"""The tracer provider."""

from __future__ import annotations

import threading

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from otel_flow.providers.fork import RenewedAfterFork
from otel_flow.providers.redacting import RedactingSpanProcessor
from otel_flow.providers.samplers import build_sampler


if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler

    from otel_flow.providers.fork import ResourceRenewal
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


class FlowTracerProvider(RenewedAfterFork, TracerProvider):
    """The SDK's tracer provider with our handling of forks, and the policy before processors."""

    redaction: Redaction | None = None

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have *span_processor* see every span, without secrets once it has ended."""
        if self.redaction is not None:
            span_processor = RedactingSpanProcessor(span_processor, self.redaction)
        super().add_span_processor(span_processor)

    def _renew_locks(self) -> None:
        self._tracers_lock = threading.Lock()
        self._active_span_processor._lock = threading.Lock()

    def _take_resource(self, resource: Resource) -> None:
        self._resource = resource
        for tracer in self._tracers.values():
            tracer._set_resource(resource)


def build_tracer_provider(
    settings: Settings,
    resource: Resource,
    *,
    span_processors: Iterable[SpanProcessor],
    meter_provider: MeterProvider,
    renewal: ResourceRenewal | None = None,
    sampler: Sampler | None = None,
    id_generator: IdGenerator | None = None,
    redaction: Redaction | None = None,
) -> TracerProvider:
    """
    Return a tracer provider that feeds *span_processors*, in their order.

    They see spans as they are; what is added later sees them through *redaction*.
    *sampler* wins over the one that *settings* name. Nothing global is touched,
    and the provider has no exit handler of its own.
    """
    provider = FlowTracerProvider(
        sampler=sampler or build_sampler(settings),
        resource=resource,
        shutdown_on_exit=False,
        id_generator=id_generator,
        span_limits=_limits(settings),
        meter_provider=meter_provider,
    )
    if renewal is not None:
        provider.renew_with(renewal)
    for processor in span_processors:
        provider.add_span_processor(processor)
    provider.redaction = redaction
    return provider


def _limits(settings: Settings) -> SpanLimits:
    limits = settings.limits
    return SpanLimits(
        max_attributes=_limit(limits.attribute_count),
        max_span_attributes=_limit(limits.span_attribute_count),
        max_events=_limit(limits.event_count),
        max_links=_limit(limits.link_count),
        max_event_attributes=_limit(limits.event_attribute_count),
        max_link_attributes=_limit(limits.link_attribute_count),
        max_attribute_length=_limit(limits.attribute_value_length),
        max_span_attribute_length=_limit(limits.span_attribute_value_length),
    )


def _limit(value: int | None) -> int:
    """Return *value* as the SDK takes it: its None reads the environment, -1 is no limit."""
    return SpanLimits.UNSET if value is None else value
