"""`configure` and `instrument`: what a program calls at its start."""

from __future__ import annotations

import logging

from typing import TYPE_CHECKING, Any

from otel_flow import telemetry
from otel_flow.bootstrap.assembly import differences, start
from otel_flow.bootstrap.components import Components
from otel_flow.errors import NotConfiguredError
from otel_flow.redaction.build import redaction_keywords
from otel_flow.settings import Settings


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.metrics.view import View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler

    from otel_flow.bootstrap.components import Exporter
    from otel_flow.redaction import RedactionKeywords
    from otel_flow.settings.keywords import FurtherKeywords
    from otel_flow.telemetry import Telemetry


_logger = logging.getLogger("otel_flow")


def configure(
    *,
    service_name: str | None = None,
    service_version: str | None = None,
    service_namespace: str | None = None,
    environment: str | None = None,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    sampler: str | Sampler | None = None,
    sampler_argument: str | None = None,
    resource: Resource | None = None,
    resource_attributes: Mapping[str, str] | None = None,
    log_format: str | None = None,
    log_level: str | None = None,
    metric_interval: float | None = None,
    redaction: bool | RedactionKeywords | None = None,
    shutdown_timeout: float | None = None,
    id_generator: str | IdGenerator | None = None,
    span_processors: Sequence[SpanProcessor] = (),
    log_record_processors: Sequence[LogRecordProcessor] = (),
    metric_readers: Sequence[MetricReader] = (),
    views: Sequence[View] = (),
    exporters: Sequence[Exporter] = (),
    **settings: Unpack[FurtherKeywords],
) -> Telemetry:
    """
    Configure traces, metrics and logs with one resource, and return the handle.

    A keyword wins over the ``OTEL_*`` variable, the variable over the default; intervals
    and time-outs are in seconds. *resource* is merged over what the settings say.
    *redaction* is False for none, or what `RedactionKeywords` lists.
    *exporters* of any signal come beside those that the settings name. With
    *span_processors* or exporters of spans other than ours, spans are the SDK's own.
    *settings* are all others of `Settings`, such as *route_sampling* or *excluded_urls*.

    With the same settings and objects again the running handle is returned. After
    `Telemetry.shutdown` it starts anew; tracers, meters and loggers that were got before
    record nothing any more.

    Raises `ConfigError` with every problem found, and `AlreadyConfiguredError` when
    telemetry runs with other settings. Under ``opentelemetry-instrument`` it runs
    already: the running handle is returned, and one warning names the keywords that
    could not take effect.
    """
    keywords: dict[str, Any] = {
        "service_name": service_name,
        "service_version": service_version,
        "service_namespace": service_namespace,
        "environment": environment,
        "endpoint": endpoint,
        "headers": headers,
        "sampler": _named(sampler),
        "sampler_argument": sampler_argument,
        "resource_attributes": resource_attributes,
        "log_format": log_format,
        "log_level": log_level,
        "metric_interval": metric_interval,
        "shutdown_timeout": shutdown_timeout,
        "id_generator": _named(id_generator),
        **redaction_keywords(redaction),
        **settings,
    }
    found = Settings.from_environ(**keywords)
    components = Components(
        resource=resource,
        sampler=None if isinstance(sampler, str) else sampler,
        id_generator=None if isinstance(id_generator, str) else id_generator,
        span_processors=tuple(span_processors),
        log_record_processors=tuple(log_record_processors),
        metric_readers=tuple(metric_readers),
        views=tuple(views),
        exporters=tuple(exporters),
    )
    running = telemetry.current()
    if running is not None and running.starter == "wrapper":
        _warn_of_differences(running, found, components)
    if running is not None and running.starter != "application":
        return running
    return start(found, components)


def _named(value: object) -> str | None:
    """Return the name of a sampler or a generator, None for one that the program made."""
    return value if isinstance(value, str) else None


def instrument(*targets: object) -> Callable[[], None]:
    """
    Instrument *targets* for the running telemetry; see `Telemetry.instrument`.

    Raises `NotConfiguredError` before `configure`.
    """
    running = telemetry.current()
    if running is None:
        raise NotConfiguredError
    return running.instrument(*targets)


def _warn_of_differences(running: Telemetry, settings: Settings, components: Components) -> None:
    if differing := differences(running, settings, components):
        _logger.warning(
            "opentelemetry-instrument has configured telemetry already; without effect: %s",
            ", ".join(differing),
        )
