"""What no value shows alone: settings that do not go together, variables that mean nothing."""

from __future__ import annotations

import difflib
import importlib.util

from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from otel_flow.errors import MissingDependencyError
from otel_flow.names import environment
from otel_flow.settings.plugins import SAMPLERS
from otel_flow.settings.table import COMMON, SETTINGS, SIGNALS


if TYPE_CHECKING:
    from otel_flow.settings.groups import BatchSettings, OtlpSettings
    from otel_flow.settings.reading import Reading


KNOWN_VARIABLES = frozenset(
    {
        *(name for setting in (*SETTINGS, *COMMON) for name in setting.variables),
        *environment.REFUSED,
        *environment.WITHOUT_EFFECT,
        *environment.PASSED_THROUGH,
    }
)
"""Every ``OTEL_*`` name that means something here."""

_GRPC_PACKAGE = "grpcio"
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard")
_MISSPELLED = 0.9


def check(reading: Reading, fields: dict[str, Any]) -> None:
    """Add to *reading* what is wrong between settings and with names of variables."""
    _check_variables(reading)
    _check_sampler(reading, fields)
    _check_routes(reading, fields)
    for signal in SIGNALS:
        _check_otlp(reading, f"otlp_{signal}", fields[f"otlp_{signal}"])
        if "otlp" in fields.get(f"{signal}_exporters", ("otlp",)):
            _check_packages(reading, f"otlp_{signal}", fields[f"otlp_{signal}"])
    _check_pull(reading, fields)
    for group in ("span_batch", "log_batch"):
        _check_batch(reading, group, fields[group])
    for name in ("redaction_mode", "user_id"):
        if fields.get(name) == "hash" and not fields.get("redaction_hash_key"):
            expected = "OTEL_FLOW_REDACTION_HASH_KEY to be set, too"
            reading.reject(reading.source_of(name), "hash", expected)


def _check_variables(reading: Reading) -> None:
    for name, reason in environment.REFUSED.items():
        if text := reading.environ.get(name, "").strip():
            reading.reject(name, text, reason)
    for name, reason in environment.WITHOUT_EFFECT.items():
        if reading.environ.get(name, "").strip():
            reading.warn(f"{name} {reason}")
    for name in sorted(set(reading.environ) - KNOWN_VARIABLES):
        _check_unknown(reading, name)


def _check_unknown(reading: Reading, name: str) -> None:
    """Warn of an unknown name of ours, and of another's that is nearly a known one."""
    own = name.startswith(environment.OWN_PREFIX)
    if not own and not name.startswith("OTEL_"):
        return
    nearest = _nearest_own(name) if own else _nearest(name)
    if own or nearest:
        hint = f"; did you mean {nearest}?" if nearest else ""
        reading.warn(f"{name} is not known{hint}")


def _nearest(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name, KNOWN_VARIABLES, 1, _MISSPELLED)), None)


def _nearest_own(name: str) -> str | None:
    """Return the known name of ours that is nearest, compared without the common prefix."""
    prefix = environment.OWN_PREFIX
    own = [known.removeprefix(prefix) for known in KNOWN_VARIABLES if known.startswith(prefix)]
    nearest = difflib.get_close_matches(name.removeprefix(prefix), own, 1)
    return prefix + nearest[0] if nearest else None


def _check_sampler(reading: Reading, fields: dict[str, Any]) -> None:
    argument = fields.get("sampler_argument")
    sampler = fields.get("sampler", "parentbased_always_on")
    if argument is None or sampler not in SAMPLERS:
        return
    name = reading.source_of("sampler_argument")
    if not sampler.endswith("traceidratio"):
        reading.warn(f"{name}={argument} is not used: the sampler {sampler} takes no argument")
    elif not _is_ratio(argument):
        reading.reject(name, argument, "a number from 0 to 1, the share of traces to keep")


def _check_routes(reading: Reading, fields: dict[str, Any]) -> None:
    sampler = fields.get("sampler", "parentbased_always_on")
    if fields.get("route_sampling") and sampler in SAMPLERS and "parentbased" not in sampler:
        name = reading.source_of("route_sampling")
        reading.warn(
            f"{name} leaves out requests but not what they call: the sampler {sampler} does not "
            f"follow the parent; use parentbased_{sampler}"
        )


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _check_otlp(reading: Reading, group: str, otlp: OtlpSettings) -> None:
    if otlp.client_key and not otlp.client_certificate:
        name = reading.source_of(f"{group}.client_key")
        reading.reject(name, otlp.client_key, "a client certificate beside the client key")
    if otlp.compression == "zstd" and (otlp.protocol == "grpc" or not _has_zstd()):
        name = reading.source_of(f"{group}.compression")
        missing = MissingDependencyError("zstd", "backports.zstd")
        reason = "none, gzip or deflate for grpc" if otlp.protocol == "grpc" else str(missing)
        reading.reject(name, "zstd", reason)


def _has_zstd() -> bool:
    return any(_importable(module) for module in _ZSTD_MODULES)


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _check_packages(reading: Reading, group: str, otlp: OtlpSettings) -> None:
    if otlp.protocol != "grpc":
        return
    try:
        distribution(_GRPC_PACKAGE)
    except PackageNotFoundError:
        missing = MissingDependencyError("OTLP over gRPC", "otel-flow[grpc]")
        reading.reject(reading.source_of(f"{group}.protocol"), "grpc", f"http/protobuf: {missing}")


def _check_pull(reading: Reading, fields: dict[str, Any]) -> None:
    if "prometheus" in fields.get("metrics_exporters", ()) and not _importable("prometheus_client"):
        missing = MissingDependencyError("Prometheus pull", "otel-flow[prometheus]")
        reading.reject(reading.source_of("metrics_exporters"), "prometheus", str(missing))


def _check_batch(reading: Reading, group: str, batch: BatchSettings) -> None:
    size, queue = batch.max_export_batch_size, batch.max_queue_size
    if size is not None and queue is not None and size > queue:
        name = reading.source_of(f"{group}.max_export_batch_size")
        reading.reject(name, str(size), f"at most the size of the queue, {queue}")
