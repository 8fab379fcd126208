"""The running telemetry as a collector of prometheus-client."""

from __future__ import annotations

import contextlib
import gzip

from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from otel_flow.errors import NotConfiguredError, NothingToScrapeError
from otel_flow.prometheus.exposition import exposed
from otel_flow.prometheus.families import Memory, build_families


if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from otel_flow.telemetry import Telemetry


_OPENMETRICS = "application/openmetrics-text"


class TelemetryRegistry(Collector):
    """Collects from *telemetry* what its meter provider holds at that moment."""

    def __init__(self, telemetry: Telemetry | None) -> None:
        if telemetry is None:
            raise NotConfiguredError
        if not telemetry.disabled and telemetry.scrape is None:
            raise NothingToScrapeError
        self._telemetry = telemetry
        self._memory = Memory()

    def collect(self) -> Iterable[Metric]:
        """Return the families of now."""
        scrape = self._telemetry.scrape
        data = None if scrape is None else scrape.read()
        return build_families(data, self._telemetry.resource, self._memory)


def render(
    registry: TelemetryRegistry, accept: str, encoding: str
) -> tuple[bytes, list[tuple[str, str]]]:
    """
    Return the body and headers of a scrape.

    OpenMetrics where *accept* asks for it, which alone shows exemplars, otherwise
    Prometheus' text format; compressed where *encoding* accepts gzip.
    """
    _, content_type = choose_encoder(accept)
    body = exposed(registry.collect(), openmetrics=content_type.startswith(_OPENMETRICS))
    headers = [("content-type", content_type)]
    if _accepts_gzip(encoding):
        body = gzip.compress(body, compresslevel=1)
        headers += [("content-encoding", "gzip"), ("vary", "accept-encoding")]
    return body, [*headers, ("content-length", str(len(body)))]


def _accepts_gzip(encoding: str) -> bool:
    for accepted in encoding.split(","):
        name, _, quality = accepted.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            with contextlib.suppress(ValueError):
                return not quality or float(quality.partition("=")[2] or 1) > 0
    return False
