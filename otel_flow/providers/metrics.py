"""The meter provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otel_flow.delivery.collection import FlowMetricReader
from otel_flow.process.locks import renew_locks, renew_locks_within
from otel_flow.providers import seams
from otel_flow.providers.fork import RenewedAfterFork, hooks_elsewhere
from otel_flow.providers.redacting import RedactingCollection
from otel_flow.providers.shared import renew_shared_locks
from otel_flow.redaction import default_redaction


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.metrics import ExemplarFilter
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.metrics.view import View

    from otel_flow.providers.fork import ResourceRenewal
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings


_EXEMPLAR_FILTERS: dict[str, Callable[[], ExemplarFilter]] = {
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
    "trace_based": TraceBasedExemplarFilter,
}


class FlowMeterProvider(RenewedAfterFork, MeterProvider):
    """
    The SDK's meter provider, whose counters and histograms start from zero in a forked child.

    Upstream keeps the parent's values: a parent that added 5 and a child that adds
    1 report 6 under the child's name (open-telemetry/opentelemetry-python#4345).
    """

    _redaction: Redaction | None = None

    def bound_cardinality(self, limit: int) -> None:
        """Keep at most *limit* attribute sets an instrument; to be called before any instrument."""
        path = seams.metric_path()
        if path is None:
            return
        consumer = path.FlowMeasurementConsumer(self._sdk_config, self._metric_readers, limit)
        self._measurement_consumer = consumer
        for reader in self._metric_readers:
            reader._set_collect_callback(consumer.collect)

    def redact_by(self, redaction: Redaction) -> None:
        """Have all readers, those added later too, collect through *redaction*."""
        self._redaction = redaction
        for reader in self._metric_readers:
            self._redact(reader, redaction)

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Have *metric_reader* collect from this provider, without secrets."""
        super().add_metric_reader(metric_reader)
        if self._redaction is not None:
            self._redact(metric_reader, self._redaction)

    def _redact(self, reader: MetricReader, redaction: Redaction) -> None:
        # The SDK's own annotation of this callback is not what it passes and returns.
        collect: Any = RedactingCollection(self._measurement_consumer.collect, redaction)
        reader._set_collect_callback(collect)

    def _after_fork(self) -> None:
        renew_shared_locks()
        super()._after_fork()

    def _renew_parts(self) -> None:
        for meter in self._meters.values():
            renew_locks(meter)
        self._start_from_zero()
        readers = self._measurement_consumer._reader_storages
        renew_locks_within([r for r in readers if not isinstance(r, FlowMetricReader)])

    def _start_from_zero(self) -> None:
        """Replace the storages: with them go the values and locks held at the fork."""
        consumer = self._measurement_consumer
        renew_locks(consumer)
        if hasattr(consumer, "start_from_zero"):
            consumer.start_from_zero()
            return
        consumer._reader_storages = {
            reader: type(storage)(
                self._sdk_config,
                reader._instrument_class_temporality,  # type: ignore[arg-type]
                reader._instrument_class_aggregation,  # type: ignore[arg-type]
            )
            for reader, storage in consumer._reader_storages.items()
        }

    def _take_resource(self, resource: Resource) -> None:
        self._sdk_config.resource = resource


def build_meter_provider(
    settings: Settings,
    resource: Resource,
    *,
    metric_readers: Sequence[MetricReader],
    views: Sequence[View] = (),
    renewal: ResourceRenewal | None = None,
    redaction: Redaction | None = None,
) -> MeterProvider:
    """
    Return a meter provider that *metric_readers* collect from, through *redaction*.

    Temporality and histogram aggregation are the readers'. Nothing global is
    touched, and the provider has no exit handler of its own.
    """
    kind = FlowMeterProvider if seams.carries("metrics") else MeterProvider
    provider = kind(
        metric_readers=metric_readers,
        resource=resource,
        exemplar_filter=_EXEMPLAR_FILTERS[settings.exemplar_filter](),
        shutdown_on_exit=False,
        views=views,
    )
    if isinstance(provider, FlowMeterProvider):
        provider.bound_cardinality(settings.cardinality_limit)
        if redaction is not None:
            provider.redact_by(redaction)
        if renewal is not None:
            provider.renew_with(renewal)
    return provider


def probe() -> None:
    """Try out what this module builds on; raises whatever the SDK makes of it."""
    reader = InMemoryMetricReader()
    provider = FlowMeterProvider([reader], Resource({}), shutdown_on_exit=False)
    provider.bound_cardinality(2)
    provider.redact_by(default_redaction())
    counter = provider.get_meter("probe").create_counter("counter")
    counter.add(5)
    provider._renew_parts()
    provider._take_resource(Resource({"forked": True}))
    counter.add(1)
    data: Any = reader.get_metrics_data()
    provider.shutdown()
    (found,) = data.resource_metrics
    value = found.scope_metrics[0].metrics[0].data.data_points[0].value
    told = dict(found.resource.attributes), value
    if told != ({"forked": True}, 1) or hooks_elsewhere(MeterProvider):
        raise ValueError(f"after a fork a counter and its resource are {told}")
