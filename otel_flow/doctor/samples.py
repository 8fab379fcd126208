"""One span, one data point and one log record, encoded as a service would send them."""

from __future__ import annotations

import secrets
import time

from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.sdk.metrics.export import (
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, span_encoder
from otel_flow.names import doctor
from otel_flow.names.distribution import own_version
from otel_flow.otlp.records import LogEvent
from otel_flow.redaction import build_redaction
from otel_flow.resource import build_resource


if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from otel_flow.settings import Settings


_BODY = "a probe of otel-flow doctor"
_INFO = 9
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Samples(NamedTuple):
    """The three requests, by signal, and the trace id that span and log record have."""

    trace_id: str
    requests: dict[str, bytes]


def build_samples(settings: Settings) -> Samples:
    """Return what the probes send, under the resource of *settings* and past their redaction."""
    redaction = build_redaction(settings)
    resource = build_resource(settings, instance_id=doctor.INSTANCE)
    resource = type(resource)(redaction.attributes(resource.attributes), resource.schema_url)
    scope = InstrumentationScope("otel_flow.doctor", own_version())
    trace_id, span_id = secrets.randbits(128) or 1, secrets.randbits(64) or 1
    now = time.time_ns()
    context = SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)
    span = ReadableSpan(
        doctor.SPAN,
        context=context,
        resource=resource,
        instrumentation_scope=scope,
        start_time=now,
        end_time=now + 1,
    )
    event = LogEvent(
        scope=scope,
        timestamp=now,
        observed_timestamp=now,
        severity_number=_INFO,
        severity_text="INFO",
        body=_BODY,
        attributes={},
        trace_id=trace_id,
        span_id=span_id,
        trace_flags=_SAMPLED,
        event_name=doctor.PROBE.name,
    )
    logs = log_encoder(redaction, max_items=None, limits=settings.limits, resource=lambda: resource)
    chunks = {
        "traces": span_encoder(redaction, max_items=None)([span], _refuse),
        "metrics": MetricsEncoder(redaction)([_collection(resource, scope, now)], _refuse),
        "logs": logs([event], _refuse),
    }
    return Samples(
        f"{trace_id:032x}",
        {signal: next(iter(chunk)).body for signal, chunk in chunks.items()},
    )


def _collection(resource: Resource, scope: InstrumentationScope, now: int) -> MetricsData:
    point = NumberDataPoint(attributes={}, start_time_unix_nano=0, time_unix_nano=now, value=1)
    metric = Metric(
        doctor.PROBES.name, doctor.PROBES.brief, doctor.PROBES.unit, Gauge(data_points=[point])
    )
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, [metric], "")], "")])


def _refuse(_items: int, reason: str) -> None:
    raise AssertionError(reason)
