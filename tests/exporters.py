"""Exporters for tests that the SDK does not bring."""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult


class ListMetricExporter(MetricExporter):
    """Keeps what it is given in a list."""

    def __init__(self, **keywords: object) -> None:
        super().__init__(**keywords)
        self.exported: list[object] = []

    def export(self, metrics_data: object, *_: object, **__: object) -> MetricExportResult:
        self.exported.append(metrics_data)
        return MetricExportResult.SUCCESS

    def shutdown(self, *_: object, **__: object) -> None:
        pass

    def force_flush(self, *_: object, **__: object) -> bool:
        return True
