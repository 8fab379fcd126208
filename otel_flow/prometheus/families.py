"""From collected metrics to Prometheus' metric families."""

from __future__ import annotations

import json
import logging
import math

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    Sum,
)
from prometheus_client.core import Exemplar
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from otel_flow.prometheus.exponential import cumulative_buckets
from otel_flow.prometheus.exposition import Labels
from otel_flow.prometheus.translation import label_name, metric_name


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

    from otel_flow.prometheus.translation import Kind


logger = logging.getLogger("otel_flow.prometheus")

_SCOPE = "otel_scope_name"


class Families:
    """
    The families of one scrape, by their names.

    Metrics that get the same name become one family, with the name of its scope as one more
    label where the labels are the same too; one of another type is left out, and said once.
    """

    def __init__(self, memory: Memory) -> None:
        self._families: dict[str, Metric] = {}
        self._scopes: dict[str, str] = {}
        self._memory = memory

    def add(self, metric: Any, scope: str) -> None:
        """Add *metric* of *scope* with all its points."""
        kind = _kind(metric.data)
        if kind is None:
            return
        up_down = isinstance(metric.data, Sum)
        name = metric_name(metric.name, metric.unit or "", kind, up_down=up_down)
        family = self._family(name, kind, metric.description or "")
        if family is None:
            return
        taken = self._taken(family, scope)
        for point in metric.data.data_points:
            labels = self._memory.labels_of(point.attributes)
            if taken and frozenset(labels.items()) in taken:
                labels = Labels({**labels, _SCOPE: scope})
            if kind == "histogram":
                _add_histogram(family, name, labels, point)
            else:
                traced = kind == "counter" and point.exemplars and _traced(point)
                exemplar = _exemplar(traced[-1]) if traced else None
                family.samples.append(Sample(name, labels, point.value, None, exemplar))

    def _family(self, name: str, kind: Kind, description: str) -> Metric | None:
        # OpenMetrics names the family of a counter without the suffix of its samples.
        stem = name.removesuffix("_total") if kind == "counter" else name
        family = self._families.get(stem)
        if family is None:
            family = self._families[stem] = Metric(stem, description, kind)
            return family
        if family.type == kind:
            return family
        if name not in self._memory.refused:
            self._memory.refused.add(name)
            logger.warning("%s is a %s and a %s; the second is left out", name, family.type, kind)
        return None

    def _taken(self, family: Metric, scope: str) -> set[frozenset[tuple[str, str]]]:
        """Return the label sets that metrics of other scopes have in *family* already."""
        if self._scopes.setdefault(family.name, scope) == scope:
            return set()
        return {
            frozenset(label for label in sample.labels.items() if label[0] != "le")
            for sample in family.samples
        }

    def all(self) -> Iterable[Metric]:
        """Return the families in the order in which they were found."""
        return self._families.values()


class Memory:
    """What is kept from one scrape to the next: labels, and which names were reported."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self._labels: dict[int, tuple[Mapping[str, Any], Labels]] = {}

    def labels_of(self, attributes: Mapping[str, Any] | None) -> Labels:
        """Return the labels of *attributes*; the SDK keeps one mapping a series."""
        if not attributes:
            return Labels({})
        known = self._labels.get(id(attributes))
        if known is not None and known[0] is attributes:
            return known[1]
        if len(self._labels) >= _REMEMBERED:
            self._labels.clear()
        labels = Labels(labels_of(attributes))
        self._labels[id(attributes)] = (attributes, labels)
        return labels


_REMEMBERED = 20_000


def build_families(data: MetricsData | None, resource: Resource, memory: Memory) -> list[Metric]:
    """Return the families of *data*, and ``target_info`` with the attributes of *resource*."""
    families = Families(memory)
    for found in data.resource_metrics if data else ():
        for scope in found.scope_metrics:
            for metric in scope.metrics:
                families.add(metric, scope.scope.name)
    return [_target_info(resource), *families.all()]


def labels_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return *attributes* as labels; values whose names become the same are joined by semicolons."""
    labels: dict[str, str] = {}
    for key in sorted(attributes) if len(attributes) > 1 else attributes:
        name, text = label_name(key), _text(attributes[key])
        labels[name] = f"{labels[name]};{text}" if labels.get(name) else text
    return labels


def _text(value: Any) -> str:
    """Return *value* as OTLP's translators write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return "" if value is None else json.dumps(value, separators=(",", ":"), default=str)


_EXACT = 1e21
"""From here on floats are written with an exponent."""


def _kind(data: Any) -> Kind | None:
    if isinstance(data, Sum):
        return "counter" if data.is_monotonic else "gauge"
    if isinstance(data, Gauge):
        return "gauge"
    return "histogram" if isinstance(data, Histogram | ExponentialHistogram) else None


def _add_histogram(family: Metric, name: str, labels: Labels, point: Any) -> None:
    buckets = _buckets(point)
    exemplars = iter(sorted(_traced(point), key=lambda exemplar: exemplar.value))
    waiting = next(exemplars, None)
    for bound, count in buckets:
        found = None
        while waiting is not None and waiting.value <= bound:
            found, waiting = waiting, next(exemplars, None)
        family.add_sample(
            f"{name}_bucket",
            labels.below(_bound(bound)),
            count,
            exemplar=None if found is None else _exemplar(found),
        )
    family.add_sample(f"{name}_count", labels, point.count)
    family.add_sample(f"{name}_sum", labels, point.sum)


def _bound(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _buckets(point: Any) -> list[tuple[float, int]]:
    if isinstance(point, ExponentialHistogramDataPoint):
        return cumulative_buckets(point)
    total = 0
    buckets = []
    for bound, count in zip(
        (*point.explicit_bounds, math.inf), point.bucket_counts or (point.count,), strict=False
    ):
        total += count
        buckets.append((bound, total))
    return buckets


def _traced(point: Any) -> list[Any]:
    return [exemplar for exemplar in point.exemplars or () if exemplar.trace_id]


def _exemplar(found: Any) -> Exemplar:
    labels = {"trace_id": f"{found.trace_id:032x}", "span_id": f"{found.span_id:016x}"}
    return Exemplar(labels, found.value, found.time_unix_nano / 1e9)


def _target_info(resource: Resource) -> Metric:
    info = Metric("target_info", "The resource that the metrics of this target belong to.", "gauge")
    info.add_sample("target_info", labels_of(resource.attributes), 1)
    return info
