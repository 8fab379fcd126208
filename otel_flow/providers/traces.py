"""The tracer provider."""

from __future__ import annotations

import copy

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import get_current_span

from otel_flow.process.locks import renew_locks, renew_locks_within
from otel_flow.providers import seams
from otel_flow.providers.fork import RenewedAfterFork, hooks_elsewhere
from otel_flow.providers.redacting import RedactingSpanProcessor
from otel_flow.providers.samplers import build_sampler


if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import Attributes

    from otel_flow.providers.fork import ResourceRenewal
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


class FlowTracerProvider(RenewedAfterFork, TracerProvider):
    """
    The SDK's tracer provider with our handling of forks, and the policy before processors.

    Its spans are lean as long as no processor but ours must see them; see `FlowSpan`.
    """

    redaction: Redaction | None = None

    def __init__(self, **arguments: Any) -> None:
        self._path = seams.span_path()
        if self._path is not None:
            arguments["active_span_processor"] = self._path.SpanQueue()
        super().__init__(**arguments)
        self._known: dict[Hashable, Tracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """Return the tracer of a scope; the same for the same scope."""
        # The SDK's looks the scope up only after it has changed the filters of warnings.
        scope = instrumenting_module_name, instrumenting_library_version, schema_url
        if attributes or (tracer := self._known.get(scope)) is None:
            tracer = super().get_tracer(*scope, attributes)
            if self._path is not None:
                self._path.adopt(tracer)
            if not attributes and len(self._known) < _REMEMBERED:
                self._known[scope] = tracer
        return tracer

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have *span_processor* see every span, without secrets once it has ended."""
        if self.redaction is not None:
            span_processor = RedactingSpanProcessor(span_processor, self.redaction)
        super().add_span_processor(span_processor)

    def _after_fork(self) -> None:
        if self._path is not None:
            self._path.renew_lock()
        renew_locks_within(get_current_span())
        super()._after_fork()

    def _renew_parts(self) -> None:
        self._active_span_processor = _heir(self._active_span_processor)
        renew_locks_within(self._active_span_processor._span_processors)
        for tracer in self._tracers.values():
            tracer.span_processor = self._active_span_processor

    def _take_resource(self, resource: Resource) -> None:
        self._resource = resource
        for tracer in self._tracers.values():
            tracer.resource = resource


def _heir(processor: Any) -> Any:
    """
    Return the same for a forked child, and have *processor* itself forget what it is given.

    Spans that were open at the fork go on holding it: they end in the process that
    started them; ended in the child, too, they would arrive twice under one id.
    """
    renew_locks(processor)
    if hasattr(processor, "inherited"):
        return processor.inherited()
    heir = copy.copy(processor)
    processor._span_processors = ()
    return heir


_REMEMBERED = 1024
"""Scopes whose tracer is found without the SDK."""


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
    kind = FlowTracerProvider if seams.carries("traces") else TracerProvider
    provider = kind(
        sampler=sampler or build_sampler(settings),
        resource=resource,
        shutdown_on_exit=False,
        id_generator=id_generator,
        span_limits=_limits(settings),
        meter_provider=meter_provider,
    )
    for processor in span_processors:
        provider.add_span_processor(processor)
    if isinstance(provider, FlowTracerProvider):
        provider.redaction = redaction
        if renewal is not None:
            provider.renew_with(renewal)
    return provider


def probe() -> None:
    """Try out what this module builds on; raises whatever the SDK makes of it."""
    exporter = InMemorySpanExporter()
    provider = FlowTracerProvider(
        resource=Resource({}), sampler=ALWAYS_ON, shutdown_on_exit=False, meter_provider=None
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("probe")
    inherited = tracer.start_span("inherited")
    provider._renew_parts()
    provider._take_resource(Resource({"forked": True}))
    inherited.end()
    tracer.start_span("own").end()
    provider.shutdown()
    told = [(span.name, dict(span.resource.attributes)) for span in exporter.get_finished_spans()]
    if told != [("own", {"forked": True})] or hooks_elsewhere(TracerProvider):
        raise ValueError(f"after a fork the spans are {told}")


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
