"""What `configure` takes beside settings: objects of the SDK that a program makes itself."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter


if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.metrics.view import View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler

    Exporter = SpanExporter | MetricExporter | LogRecordExporter


_EXPORTERS = {
    "span_exporters": SpanExporter,
    "metric_exporters": MetricExporter,
    "log_exporters": LogRecordExporter,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Objects of the SDK; two are the same where each of their objects is."""

    resource: Resource | None = None
    """Merged over the resource of the settings."""
    sampler: Sampler | None = None
    id_generator: IdGenerator | None = None
    span_processors: tuple[SpanProcessor, ...] = ()
    log_record_processors: tuple[LogRecordProcessor, ...] = ()
    metric_readers: tuple[MetricReader, ...] = ()
    views: tuple[View, ...] = ()
    exporters: tuple[Exporter, ...] = ()
    """Exporters of any signal, beside those that the settings name."""

    def __post_init__(self) -> None:
        for exporter in self.exporters:
            if not isinstance(exporter, tuple(_EXPORTERS.values())):
                raise TypeError(
                    f"{exporter!r} is no SpanExporter, MetricExporter or LogRecordExporter"
                )

    def exporters_by_signal(self) -> dict[str, Any]:
        """Return the exporters as keywords of `build_pipeline`."""
        return {
            keyword: [exporter for exporter in self.exporters if isinstance(exporter, kind)]
            for keyword, kind in _EXPORTERS.items()
        }

    def differences(self, other: Components) -> tuple[str, ...]:
        """Return the names of the fields in which *other* differs, in order."""
        return tuple(
            field.name
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        )
