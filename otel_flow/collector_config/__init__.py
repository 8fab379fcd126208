"""Collector, Prometheus, Loki, Jaeger and Grafana files: written out, shown and checked."""

from otel_flow.collector_config.check import Finding, find_binary, validate_with, verify
from otel_flow.collector_config.document import effective, load, masked, yaml
from otel_flow.collector_config.files import base_file, packaged_files, write_files


__all__ = [
    "Finding",
    "base_file",
    "effective",
    "find_binary",
    "load",
    "masked",
    "packaged_files",
    "validate_with",
    "verify",
    "write_files",
    "yaml",
]
