"""OTLP exporters of the three signals, over HTTP or gRPC, from the settings alone."""

from __future__ import annotations

import importlib

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_flow.errors import MissingDependencyError


if TYPE_CHECKING:
    from otel_flow.settings import OtlpSettings


_CLASSES = {
    "traces": "OTLPSpanExporter",
    "metrics": "OTLPMetricExporter",
    "logs": "OTLPLogExporter",
}
_MODULES = {"traces": "trace_exporter", "metrics": "metric_exporter", "logs": "_log_exporter"}


def build_otlp_exporter(signal: str, otlp: OtlpSettings, **metric_preferences: Any) -> Any:
    """
    Return the exporter of *signal* (``traces``, ``metrics`` or ``logs``).

    *metric_preferences* are the preferred temporality and aggregation of the
    metrics exporter. Raises `MissingDependencyError` where gRPC is asked for and
    its package is missing.
    """
    build = _build_grpc if otlp.protocol == "grpc" else _build_http
    return build(signal, otlp, metric_preferences)


def _exporter_class(transport: str, signal: str) -> Any:
    module = f"opentelemetry.exporter.otlp.proto.{transport}.{_MODULES[signal]}"
    return getattr(importlib.import_module(module), _CLASSES[signal])


def _build_http(signal: str, otlp: OtlpSettings, preferences: dict[str, Any]) -> Any:
    compression = importlib.import_module("opentelemetry.exporter.otlp.proto.http").Compression
    return _exporter_class("http", signal)(
        endpoint=otlp.endpoint,
        certificate_file=otlp.certificate,
        client_key_file=otlp.client_key,
        client_certificate_file=otlp.client_certificate,
        headers=dict(otlp.headers),
        timeout=otlp.timeout,
        compression=compression(otlp.compression),
        **preferences,
    )


def _build_grpc(signal: str, otlp: OtlpSettings, preferences: dict[str, Any]) -> Any:
    try:
        grpc = importlib.import_module("grpc")
        exporter = _exporter_class("grpc", signal)
    except ImportError as error:
        raise MissingDependencyError("OTLP over gRPC", "otel-flow[grpc]") from error
    insecure = otlp.insecure or otlp.endpoint.startswith(("http://", "unix:"))
    compression = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
    return exporter(
        endpoint=otlp.endpoint,
        insecure=insecure,
        credentials=None if insecure else _credentials(grpc, otlp),
        headers=otlp.headers,
        timeout=otlp.timeout,
        compression=compression.get(otlp.compression, grpc.Compression.NoCompression),
        **preferences,
    )


def _credentials(grpc: Any, otlp: OtlpSettings) -> Any:
    def read(path: str | None) -> bytes | None:
        return Path(path).read_bytes() if path else None

    return grpc.ssl_channel_credentials(
        root_certificates=read(otlp.certificate),
        private_key=read(otlp.client_key),
        certificate_chain=read(otlp.client_certificate),
    )
