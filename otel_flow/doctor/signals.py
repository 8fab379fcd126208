"""What of the three signals is recorded and sent, and what is not although nothing failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.doctor.finding import note, ok, warning
from otel_flow.settings.masking import mask_url
from otel_flow.settings.table import SIGNALS


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.doctor.finding import Finding
    from otel_flow.settings import OtlpSettings, Settings


_ITEMS = {"traces": "spans", "metrics": "metrics", "logs": "log records"}
_QUIET = frozenset({"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"})


def check(settings: Settings) -> Iterator[Finding]:
    """Yield where each signal goes, and what keeps parts of it away."""
    for signal in SIGNALS:
        yield _exporters(settings, signal)
    yield from _sampler(settings)
    yield from _metrics(settings)
    yield from _logs(settings)
    yield from _correlation(settings)


def _exporters(settings: Settings, signal: str) -> Finding:
    exporters = getattr(settings, f"{signal}_exporters")
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    if not exporters:
        return warning(
            "signals.exporter",
            f"{variable}=none: no {_ITEMS[signal]} are sent",
            f"unset {variable}",
            subject=signal,
        )
    places = ", ".join(_place(settings, signal, name) for name in exporters)
    if set(exporters) == {"console"}:
        return note(
            "signals.exporter",
            f"{variable}=console: {_ITEMS[signal]} are printed, not sent",
            f"unset {variable}, or {variable}=otlp,console for both",
            subject=signal,
        )
    return ok("signals.exporter", places, subject=signal)


def _place(settings: Settings, signal: str, exporter: str) -> str:
    if exporter == "prometheus":
        return f"scraped at {settings.prometheus_host}:{settings.prometheus_port}"
    if exporter != "otlp":
        return exporter
    otlp: OtlpSettings = getattr(settings, f"otlp_{signal}")
    every = f", every {settings.metric_interval:g} s" if signal == "metrics" else ""
    return f"{otlp.protocol} to {mask_url(otlp.endpoint)}{every}"


def _sampler(settings: Settings) -> Iterator[Finding]:
    name, argument = settings.sampler, settings.sampler_argument
    share = _share(name, argument)
    if share == 0:
        yield warning(
            "signals.sampler",
            f"the sampler {name}{f' with {argument}' if argument else ''} keeps no trace that begins here",
            "unset OTEL_TRACES_SAMPLER",
            subject="traces",
        )
    elif share is not None and share < 1:
        yield note(
            "signals.sampler",
            f"the sampler {name} keeps {share:.4g} of the traces that begin here",
            "OTEL_TRACES_SAMPLER_ARG=1 keeps all",
            subject="traces",
        )


def _share(sampler: str, argument: str | None) -> float | None:
    """Return the share of traces that one of the specification's samplers keeps, None if unknown."""
    if sampler.endswith("always_off"):
        return 0.0
    if sampler.endswith("traceidratio"):
        return float(argument) if argument is not None else 1.0
    return None


def _metrics(settings: Settings) -> Iterator[Finding]:
    if "otlp" in settings.metrics_exporters and settings.metric_temporality == "delta":
        yield note(
            "signals.temporality",
            "metrics are sent as deltas, which Prometheus itself refuses",
            "send them through a Collector with deltatocumulative, as the one of `otel-flow "
            "collector init`, or unset OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            subject="metrics",
        )


def _logs(settings: Settings) -> Iterator[Finding]:
    if settings.log_level in _QUIET:
        yield note(
            "signals.log_level",
            f"events below {settings.log_level} are dropped, in lines and in records",
            "unset OTEL_FLOW_LOG_LEVEL",
            subject="logs",
        )


def _correlation(settings: Settings) -> Iterator[Finding]:
    names = [name for name in settings.propagators if name != "none"]
    if not {*names} - {"baggage"}:
        yield warning(
            "signals.propagators",
            "no trace context is read or sent on: each service begins traces of its own",
            "unset OTEL_PROPAGATORS",
            subject="traces",
        )
    elif "tracecontext" not in names:
        yield note(
            "signals.propagators",
            f"trace context travels as {', '.join(names)} only, not as W3C traceparent",
            f"OTEL_PROPAGATORS=tracecontext,baggage,{','.join(n for n in names if n != 'baggage')} "
            "speaks to both kinds of services",
            subject="traces",
        )
