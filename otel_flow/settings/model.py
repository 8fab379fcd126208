"""
The settings: one frozen value that everything else is built from.

What each field means, the variable it is read from and its unit stand in
`otel_flow.settings.table`, which README's table and ``otel-flow env`` print.
"""

from __future__ import annotations

import dataclasses
import os

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from otel_flow.errors import ConfigError
from otel_flow.settings import assembly, consistency
from otel_flow.settings.endpoints import default_endpoint
from otel_flow.settings.groups import (
    LIMITS,
    LOG_BATCH,
    SPAN_BATCH,
    BatchSettings,
    LimitSettings,
    OtlpSettings,
)
from otel_flow.settings.masking import hidden, masked_repr
from otel_flow.settings.proxies import NO_PROXIES, ProxySettings
from otel_flow.settings.reading import Reading
from otel_flow.settings.table import COMMON, SETTINGS, SIGNALS


if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from otel_flow.redaction import Callback
    from otel_flow.settings.keywords import SettingKeywords


Temporality = Literal["cumulative", "delta", "lowmemory"]
HistogramAggregation = Literal["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]
ExemplarFilter = Literal["always_on", "always_off", "trace_based"]

_OTLP = {
    signal: OtlpSettings(endpoint=default_endpoint("http/protobuf", signal)) for signal in SIGNALS
}


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """
    Everything that can be set; all durations are seconds, all sizes bytes.

    ``Settings()`` holds the defaults and reads no environment;
    ``Settings.from_environ`` reads variables and checks everything.
    """

    # Resource
    service_name: str | None = None
    service_version: str | None = None
    service_namespace: str | None = None
    environment: str | None = None
    resource_attributes: Mapping[str, str] = dataclasses.field(default_factory=_empty, hash=False)
    resource_detectors: tuple[str, ...] = ()
    detector_timeout: float = 2.0
    platform_attributes: Mapping[str, str] = dataclasses.field(default_factory=_empty, hash=False)
    instance_id: Literal["slot", "uuid", "fixed"] = "slot"

    # Signals and their exporters; () is none
    sdk_disabled: bool = False
    traces_exporters: tuple[str, ...] = ("otlp",)
    metrics_exporters: tuple[str, ...] = ("otlp",)
    logs_exporters: tuple[str, ...] = ("otlp",)
    otlp_traces: OtlpSettings = _OTLP["traces"]
    otlp_metrics: OtlpSettings = _OTLP["metrics"]
    otlp_logs: OtlpSettings = _OTLP["logs"]
    proxies: ProxySettings = NO_PROXIES

    # Traces
    sampler: str = "parentbased_always_on"
    sampler_argument: str | None = None
    route_sampling: Mapping[str, float] = dataclasses.field(default_factory=_empty, hash=False)
    id_generator: str = "random"
    propagators: tuple[str, ...] = ("tracecontext", "baggage")
    limits: LimitSettings = LIMITS

    # Queues and export
    span_batch: BatchSettings = SPAN_BATCH
    log_batch: BatchSettings = LOG_BATCH
    queue_bytes: int = 64 * 1024 * 1024
    queue_drop: Literal["oldest", "newest"] = "oldest"
    shutdown_timeout: float = 5.0

    # Metrics
    metric_interval: float = 60.0
    metric_timeout: float = 30.0
    metric_temporality: Temporality = "cumulative"
    histogram_aggregation: HistogramAggregation = "explicit_bucket_histogram"
    exemplar_filter: ExemplarFilter = "trace_based"
    cardinality_limit: int = 2000
    prometheus_host: str = "localhost"
    prometheus_port: int = 9464
    prometheus_token: str | None = None

    # Logs
    sdk_log_level: str = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: str = "INFO"
    log_levels: Mapping[str, str] = dataclasses.field(default_factory=_empty, hash=False)
    log_file: str | None = None
    log_file_bytes: int = 10 * 1024 * 1024
    log_file_backups: int = 5
    log_context_baggage: tuple[str, ...] = ()

    # Redaction
    redaction: Literal["on", "off"] = "on"
    redaction_mode: Literal["mask", "drop", "hash"] = "mask"
    redaction_hash_key: str | None = None
    redaction_keys: tuple[str, ...] = ()
    redaction_safe_keys: tuple[str, ...] = ()
    redaction_options: tuple[str, ...] = ()
    redaction_patterns: Mapping[str, str] = dataclasses.field(default_factory=_empty, hash=False)
    redaction_callback: Callback | None = None

    user_id: Literal["raw", "hash"] = "raw"

    # Instrumentation
    disabled_instrumentations: tuple[str, ...] = ()
    excluded_urls: tuple[str, ...] = ()
    excluded_defaults: bool = True
    access_log: bool = True
    slow_request: float = 2.0
    slow_query: float = 1.0
    request_id_headers: tuple[str, ...] = ("x-request-id", "x-correlation-id")
    trusted_proxies: tuple[str, ...] = ()
    capture_request_headers: tuple[str, ...] = ()
    capture_response_headers: tuple[str, ...] = ()
    server_timing: bool = False
    process_time_header: bool = False
    sqlcommenter: bool = False
    trace_url_template: str | None = None
    runtime: tuple[str, ...] = ("process", "gc", "eventloop", "anyio")
    blocked_loop: float = 0.25
    celery_link: bool = False
    cache_from_replies: bool = False

    # How these values came about
    sources: Mapping[str, str] = dataclasses.field(
        default_factory=_empty, compare=False, repr=False
    )
    """Field (dotted in groups) → ``keyword``, the name of a variable, or ``default``."""
    warnings: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    """What was accepted with a doubt; secrets are masked."""

    def __repr__(self) -> str:
        shown = {name: hidden(kind.shown(getattr(self, name))) for name, kind in _KINDS.items()}
        defaults = {name: kind.shown(getattr(_DEFAULTS, name)) for name, kind in _KINDS.items()}
        changed = {name: value for name, value in shown.items() if value != defaults[name]}
        return masked_repr(dataclasses.replace(self, **changed))

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str] = os.environ, **keywords: Unpack[SettingKeywords]
    ) -> Settings:
        """
        Return the settings that *keywords* and the variables of *environ* give.

        A keyword wins over a variable, a variable over the default; None is a
        keyword that was not given. The keywords are the fields, and, for all
        signals at once, ``endpoint``, ``headers``, ``export_timeout``,
        ``compression``, ``certificate``, ``client_key``, ``client_certificate``,
        ``insecure`` and ``protocol``.

        Raises `ConfigError` with everything that is wrong, and `TypeError` for a
        keyword that does not exist. ``OTEL_SDK_DISABLED=true`` switches off
        whatever else is wrong: problems become warnings.
        """
        if unknown := sorted(keywords.keys() - _keywords()):
            raise TypeError(f"unknown setting{'s' * (len(unknown) > 1)}: {', '.join(unknown)}")
        reading = Reading(environ, keywords)
        for name, default in _GROUPS.items():
            reading.require(name, type(default))
        for setting in SETTINGS:
            reading.take(setting)
        fields = assembly.fields(reading)
        consistency.check(reading, fields)
        if reading.problems and not fields.get("sdk_disabled"):
            raise ConfigError(reading.problems)
        warnings = (*reading.warnings, *map(str, reading.problems))
        sources = {s.field: reading.sources.get(s.field, "default") for s in SETTINGS}
        return cls(**fields, sources=MappingProxyType(sources), warnings=warnings)

    def differences(self, other: Settings) -> tuple[str, ...]:
        """Return the names of the fields in which *other* differs, in order."""
        return tuple(
            field.name
            for field in dataclasses.fields(self)
            if field.compare and getattr(self, field.name) != getattr(other, field.name)
        )

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy that the proxy variables name for *url*, None for a direct connection."""
        return self.proxies.url_for(url)


_DEFAULTS = Settings()
_GROUPS = {
    field.name: value
    for field in dataclasses.fields(Settings)
    if dataclasses.is_dataclass(value := getattr(_DEFAULTS, field.name))
}
_KINDS = {setting.field: setting.kind for setting in SETTINGS if "." not in setting.field}


def _keywords() -> set[str]:
    """Return every keyword of ``from_environ``."""
    fields = {field.name for field in dataclasses.fields(Settings)}
    common = {setting.keyword or setting.field for setting in COMMON}
    return (fields | common) - {"sources", "warnings"}
