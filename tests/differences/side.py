"""
One side of a comparison, in a process of its own: ``python -m tests.differences.side SIDE SUBJECT``.

What it records goes to OTEL_EXPORTER_OTLP_ENDPOINT; what the subject notes is printed as JSON.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import sys

from typing import TYPE_CHECKING

from opentelemetry import context, trace


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def trace_of(step: str) -> int:
    """The id of the trace that *step* belongs to."""
    return int.from_bytes(hashlib.sha256(step.encode()).digest()[:16], "big")


def traceparent(step: str) -> str:
    """The header by which a request joins the trace of *step*."""
    return f"00-{trace_of(step):032x}-{1:016x}-01"


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """What is done in the block belongs to the trace of *name*."""
    caller = trace.SpanContext(trace_of(name), 1, is_remote=True, trace_flags=trace.TraceFlags(1))
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(caller)))
    try:
        yield
    finally:
        context.detach(token)


def ours(run: Callable[..., None]) -> None:
    """Run the subject with otel-flow."""
    import otel_flow

    with otel_flow.configure(service_name="differences") as telemetry:
        run("ours", telemetry)


def contrib(run: Callable[..., None]) -> None:
    """Run the subject with the SDK and contrib's instrumentation, as their documentation has it."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    tracer_provider = TracerProvider()
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meter_provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    run("contrib", {"tracer_provider": tracer_provider, "meter_provider": meter_provider})
    tracer_provider.shutdown()
    meter_provider.shutdown()


SIDES = {"contrib": contrib, "ours": ours}


if __name__ == "__main__":
    side, subject = sys.argv[1:]
    module = importlib.import_module(f"tests.differences.{subject}")
    notes: dict[str, str] = {}
    SIDES[side](lambda name, providers: module.run(name, providers, notes))
    sys.stdout.write(f"\n{json.dumps(notes)}\n")
