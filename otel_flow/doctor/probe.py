"""One probe of each signal: sent as a service would send it, and what comes back."""

from __future__ import annotations

import functools
import time

from typing import TYPE_CHECKING

from otel_flow.delivery.suppression import suppressed
from otel_flow.delivery.transport import Transport
from otel_flow.doctor import answers, grpc_probe
from otel_flow.doctor.bounded import bounded


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_flow.doctor.answers import Question
    from otel_flow.doctor.finding import Finding
    from otel_flow.doctor.samples import Samples
    from otel_flow.settings import Settings


def check(
    settings: Settings, signals: Sequence[str], samples: Samples, seconds: float
) -> Iterator[Finding]:
    """Send one item of each of *signals* at the same time, and yield what is answered."""
    questions = [_question(settings, signal) for signal in signals]
    works = [
        functools.partial(_ask, settings, question, samples.requests[question.signal], seconds)
        for question in questions
    ]
    for question, found in zip(questions, bounded(works, seconds + _GRACE), strict=True):
        yield answers.unanswered(question, found) if isinstance(found, Exception) else found


_GRACE = 0.5
"""Seconds for what times out by itself to say so."""


def _question(settings: Settings, signal: str) -> Question:
    source = settings.sources.get(f"otlp_{signal}.endpoint", "default")
    variable = source if source.startswith("OTEL_") else "OTEL_EXPORTER_OTLP_ENDPOINT"
    return answers.Question(signal, getattr(settings, f"otlp_{signal}"), variable)


def _ask(settings: Settings, question: Question, body: bytes, seconds: float) -> Finding:
    if question.otlp.protocol == "grpc":
        return grpc_probe.ask(question, body, seconds)
    transport = Transport(question.otlp, proxy=settings.proxy_for(question.otlp.endpoint))
    started = time.monotonic()
    try:
        with suppressed():
            answer = transport.post(body, seconds)
    finally:
        transport.close()
    return answers.explain(question, answer, time.monotonic() - started)
