"""
The peers of `benchmarks/per_request.py`, each in an environment of its own, set up as they tell to.

All record what they can of the same: a span a request, query and command, durations, log events
with ids. EDOT and fastotel send three signals over OTLP, logfire traces and metrics (its log
events are spans), ddtrace traces and Sentry traces and logs, both in protocols of their own.
"""

import dataclasses

from collections.abc import Callable, Mapping

from benchmarks.contenders import bare, upstream


_SERVICE = ("fastapi", "uvicorn", "structlog", "redis", "sqlalchemy==2.0.*", "psutil")
_CONTRIB = tuple(
    f"opentelemetry-instrumentation-{name}"
    for name in ("fastapi", "redis", "sqlalchemy", "structlog")
)


@dataclasses.dataclass(frozen=True)
class Peer:
    """What a peer needs, how it is started, and what it sets up in the service."""

    requirements: tuple[str, ...]
    set_up: Callable
    wrapper: str | None = None
    environ: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Variables; ``{sink}`` stands for the address of the sink."""


def fastotel():
    """Upstream, with fastotel's processor in the place of the batch processor."""
    import fastotel

    from opentelemetry import trace
    from opentelemetry.sdk import _configuration

    _configuration.BatchSpanProcessor = lambda _exporter: fastotel.OTLPSpanProcessor()
    upstream()
    assert trace.get_tracer_provider()._active_span_processor._span_processors


def logfire():
    """Logfire's SDK, with nothing sent to its service."""
    import logfire
    import structlog

    logfire.configure(send_to_logfire=False, console=False)
    logfire.instrument_redis()
    logfire.instrument_sqlalchemy()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            logfire.StructlogProcessor(),
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )
    return logfire.instrument_fastapi


def sentry():
    """Sentry's SDK with every trace kept, and logs."""
    import os

    import sentry_sdk

    sentry_sdk.init(dsn=os.environ["BENCH_DSN"], traces_sample_rate=1.0, enable_logs=True)
    bare()


PEERS = {
    "edot": Peer(
        (*_SERVICE, *_CONTRIB, "elastic-opentelemetry", "opentelemetry-instrumentation-logging"),
        bare,
        "opentelemetry-instrument",
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "ELASTIC_OTEL_OPAMP_ENDPOINT": ""},
    ),
    "fastotel": Peer(
        (*_SERVICE, *_CONTRIB, "fastotel", "opentelemetry-exporter-otlp-proto-http"), fastotel
    ),
    "logfire": Peer((*_SERVICE, "logfire[fastapi,redis,sqlalchemy]"), logfire),
    "ddtrace": Peer(
        (*_SERVICE, "ddtrace"),
        bare,
        "ddtrace-run",
        {
            "DD_TRACE_AGENT_URL": "{sink}",
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "DD_REMOTE_CONFIGURATION_ENABLED": "false",
            "DD_LOGS_INJECTION": "true",
        },
    ),
    "sentry": Peer((*_SERVICE, "sentry-sdk"), sentry, None, {"BENCH_DSN": "{dsn}"}),
}
