"""
The types of the keywords: what `Settings.from_environ` takes, and `configure` with it.

None stands for a keyword that was not given. Where a variable takes a list, the keyword
takes a sequence, or text as in the variable. What each means stands in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict


if TYPE_CHECKING:
    from otel_flow.redaction import Callback
    from otel_flow.settings.groups import (
        BatchSettings,
        Compression,
        LimitSettings,
        OtlpSettings,
        Protocol,
    )
    from otel_flow.settings.model import ExemplarFilter, HistogramAggregation, Temporality
    from otel_flow.settings.proxies import ProxySettings


Flag = bool | None
Seconds = float | None
Size = int | None
Text = str | None
Words = Sequence[str] | str | None


class UsualKeywords(TypedDict, total=False):
    """Those that `configure` has by name."""

    service_name: Text
    service_version: Text
    service_namespace: Text
    environment: Text
    endpoint: Text
    headers: Mapping[str, str] | None
    sampler: Text
    sampler_argument: Text
    resource_attributes: Mapping[str, str] | None
    log_format: Text
    log_level: Text
    metric_interval: Seconds
    shutdown_timeout: Seconds
    id_generator: Text


class FurtherKeywords(TypedDict, total=False):
    """Every other one that is not about redaction."""

    resource_detectors: Words
    detector_timeout: Seconds
    platform_attributes: Mapping[str, str] | None
    instance_id: Literal["slot", "uuid", "fixed"] | None

    sdk_disabled: Flag
    traces_exporters: Words
    metrics_exporters: Words
    logs_exporters: Words
    otlp_traces: OtlpSettings | None
    otlp_metrics: OtlpSettings | None
    otlp_logs: OtlpSettings | None
    export_timeout: Seconds
    compression: Compression | None
    certificate: Text
    client_key: Text
    client_certificate: Text
    insecure: Flag
    protocol: Protocol | None
    proxies: ProxySettings | None

    route_sampling: Mapping[str, float] | None
    propagators: Words
    limits: LimitSettings | None

    span_batch: BatchSettings | None
    log_batch: BatchSettings | None
    queue_bytes: Size
    queue_drop: Literal["oldest", "newest"] | None

    metric_timeout: Seconds
    metric_temporality: Temporality | None
    histogram_aggregation: HistogramAggregation | None
    exemplar_filter: ExemplarFilter | None
    cardinality_limit: Size
    prometheus_host: Text
    prometheus_port: Size
    prometheus_token: Text

    sdk_log_level: Text
    log_levels: Mapping[str, str] | None
    log_file: Text
    log_file_bytes: Size
    log_file_backups: Size
    log_context_baggage: Words

    user_id: Literal["raw", "hash"] | None

    disabled_instrumentations: Words
    excluded_urls: Words
    excluded_defaults: Flag
    access_log: Flag
    slow_request: Seconds
    slow_query: Seconds
    request_id_headers: Words
    trusted_proxies: Words
    capture_request_headers: Words
    capture_response_headers: Words
    server_timing: Flag
    process_time_header: Flag
    sqlcommenter: Flag
    trace_url_template: Text
    runtime: Words
    blocked_loop: Seconds
    celery_link: Flag
    cache_from_replies: Flag


class SettingKeywords(UsualKeywords, FurtherKeywords, total=False):
    """All of them; those about redaction are keys of ``configure(redaction=…)``."""

    redaction: Literal["on", "off"] | None
    redaction_mode: Literal["mask", "drop", "hash"] | None
    redaction_hash_key: Text
    redaction_keys: Words
    redaction_safe_keys: Words
    redaction_options: Words
    redaction_patterns: Mapping[str, str] | None
    redaction_callback: Callback | None
