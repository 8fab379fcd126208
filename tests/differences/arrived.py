"""What one side has sent, as the rows of a table ask for it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

from typing import Any

from tests.differences.side import trace_of
from tests.receiver import Receiver
from tests.stack.build import ROOT


KINDS = ("", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")


@dataclasses.dataclass(frozen=True)
class Span:
    """A span with plain values."""

    name: str
    kind: str
    span_id: str
    parent: str
    attributes: dict[str, Any]
    events: list[str]
    links: int
    failed: bool
    nanoseconds: int


@dataclasses.dataclass(frozen=True)
class Arrived:
    """Everything that one side sent, and what it noted."""

    receiver: Receiver
    notes: dict[str, str]

    def spans(self, step: str, kind: str | None = None) -> list[Span]:
        """The spans of *step*, of *kind* if that is given, in the order in which they began."""
        wanted = trace_of(step).to_bytes(16, "big")
        found = sorted(
            (span for span in self.receiver.spans() if span.trace_id == wanted),
            key=lambda span: span.start_time_unix_nano,
        )
        return [span for span in map(_span, found) if kind in {None, span.kind}]

    def points(self, *metrics: str) -> list[dict[str, Any]]:
        """The attributes of each series of the metrics, with count or value and sum."""
        found: dict[str, dict[str, Any]] = {}
        for scope, metric in self._metrics():
            if metric.name in metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    attributes = _plain(point.attributes)
                    extra = {
                        "count": getattr(point, "count", None),
                        "sum": getattr(point, "sum", 0),
                        "value": _value(point),
                    }
                    extra["bounds"] = list(getattr(point, "explicit_bounds", ()))
                    found[json.dumps([scope, attributes], sort_keys=True)] = attributes | extra
        return list(found.values())

    def metric_names(self, *prefixes: str) -> list[str]:
        """The names of the metrics that begin with one of *prefixes*."""
        names = {f"`{metric.name}` ({metric.unit})" for _, metric in self._metrics()}
        return sorted(name for name in names if name[1:].startswith(prefixes))

    def exceptions(self, step: str) -> int:
        """How many log records with an exception belong to *step*."""
        wanted = trace_of(step).to_bytes(16, "big")
        return sum(
            record.trace_id == wanted and "exception.type" in _plain(record.attributes)
            for record in self.receiver.records()
        )

    def _metrics(self) -> list[tuple[str, Any]]:
        return [
            (scope.scope.name, metric)
            for request in list(self.receiver.requests)
            for resource in getattr(request, "resource_metrics", ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


def compare(subject: str) -> dict[str, Arrived]:
    """Run both sides of *subject*, each in a process of its own."""
    return {side: _run(side, subject) for side in ("contrib", "ours")}


def _run(side: str, subject: str) -> Arrived:
    receiver = Receiver()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.differences.side", side, subject],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONWARNINGS": "ignore",
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
                "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
                "OTEL_FLOW_LOG_FORMAT": "json",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    finally:
        receiver.stop()
    return Arrived(receiver, json.loads(done.stdout.splitlines()[-1]))


def _span(span: Any) -> Span:
    return Span(
        name=span.name,
        kind=KINDS[span.kind],
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_plain(span.attributes),
        events=[event.name for event in span.events],
        links=len(span.links),
        failed=span.status.code == 2,
        nanoseconds=span.end_time_unix_nano - span.start_time_unix_nano,
    )


def _value(point: Any) -> float | None:
    """The value of a sum or a gauge; None of a histogram."""
    kind = point.WhichOneof("value") if hasattr(point, "as_int") else None
    return None if kind is None else getattr(point, kind)


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
