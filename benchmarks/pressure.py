"""
Spans against a backend that refuses, or that takes two seconds for an answer.

What a span costs the thread that makes it, and what is known of those that did not arrive: ours
counts every one, produced = delivered + dropped + waiting.
"""

import logging
import socket
import time

from benchmarks.counting import forked
from benchmarks.sink import sink


SPANS = 50_000
SLOW = 2.0
ROUNDS = 3


def _produce(tracer):
    """Return the µs of the thread for a span."""
    started = time.thread_time()
    for number in range(SPANS):
        tracer.start_span("work", attributes={"number": number}).end()
    return (time.thread_time() - started) / SPANS * 1e6


def _upstream(endpoint):
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.disable()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    return {"µs": _produce(provider.get_tracer("bench"))}


def _ours(endpoint):
    import otel_flow

    logging.disable()
    telemetry = otel_flow.configure(service_name="bench", endpoint=endpoint)
    micros = _produce(telemetry.tracer_provider.get_tracer("bench"))
    found = telemetry.pipeline.accounting()["traces"]
    return {
        "µs": micros,
        "produced": found.produced,
        "delivered": found.delivered,
        "dropped": sum(found.dropped.values()),
        "waiting": found.waiting,
    }


def pressure():
    """Return, by backend and contender, the least µs of a span and what became of all."""
    with socket.socket() as closed, sink() as quick, sink(delay=SLOW) as slow:
        closed.bind(("127.0.0.1", 0))
        ports = {"quick": quick, "slow": slow, "refusing": closed.getsockname()[1]}
        return {
            f"{side}, {backend}": _least(measure, f"http://127.0.0.1:{port}/{side}")
            for backend, port in ports.items()
            for side, measure in (("upstream", _upstream), ("ours", _ours))
        }


def _least(measure, endpoint):
    rounds = [forked(measure, endpoint)[1] for _ in range(ROUNDS)]
    best = min(rounds, key=lambda one: one["µs"])
    names = ("µs", "produced", "delivered", "dropped", "waiting")
    return {name: best.get(name, "not counted") for name in names}
