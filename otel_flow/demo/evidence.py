"""What four witnesses saw: customers their answers, the receiver spans and points, a pipe lines."""

from __future__ import annotations

import collections
import dataclasses
import threading

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_flow.demo.load import Answer
    from otel_flow.otlp.receiver import Batch, Exemplar, LogRecord, Point, Span


DURATION = "http.server.request.duration"
ACCESS = "otel_flow.http.request"
TASK_DURATION = "messaging.process.duration"
WEB = "shop"
_ENGINE = "otel_flow.delivery: "
_LOST = ("dropped", "left behind")
_COMPLAINTS = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was seen, at one moment; *points* holds the last one of each series.

    *exemplars* are those of the histogram of requests, of all its points: a point
    names those since the one before. *complaints* are the delivery engine's.
    """

    answers: tuple[Answer, ...]
    spans: tuple[Span, ...]
    points: tuple[Point, ...]
    exemplars: tuple[Exemplar, ...]
    records: tuple[LogRecord, ...]
    lines: tuple[Mapping[str, Any], ...]
    complaints: tuple[str, ...]

    def server_spans(self) -> list[Span]:
        """Return the spans of the web service's requests."""
        return [s for s in self.spans if s.kind == "server" and s.source.service == WEB]

    def request_points(self) -> list[Point]:
        """Return the points of the histogram of the web service's requests."""
        return [p for p in self.points if p.name == DURATION and p.source.service == WEB]

    def access_lines(self) -> list[Mapping[str, Any]]:
        """Return the web service's access lines."""
        return [
            line
            for line in self.lines
            if line.get("event") == ACCESS and line.get("service") == WEB
        ]

    def task_spans(self) -> list[Span]:
        """Return the spans of tasks that ran."""
        return [span for span in self.spans if span.kind == "consumer"]

    def task_points(self) -> list[Point]:
        """Return the points of the histogram of tasks."""
        return [p for p in self.points if p.name == TASK_DURATION]


class Witness:
    """Collects what is seen, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._spans: list[Span] = []
        self._points: dict[tuple[Any, ...], Point] = {}
        self._exemplars: list[Exemplar] = []
        self._records: list[LogRecord] = []
        self._lines: list[Mapping[str, Any]] = []
        self._complaints: collections.deque[str] = collections.deque(maxlen=_COMPLAINTS)
        self._events: collections.Counter[str] = collections.Counter()

    def answer(self, answer: Answer) -> None:
        """Take a customer's answer."""
        with self._lock:
            self._answers.append(answer)

    def batch(self, batch: Batch) -> None:
        """Take what the receiver decoded."""
        with self._lock:
            self._spans += batch.spans
            self._records += batch.records
            for point in batch.points:
                known = self._points.get(point.series)
                if known is None or known.time <= point.time:
                    self._points[point.series] = point
                if point.name == DURATION:
                    self._exemplars += point.exemplars

    def line(self, line: Mapping[str, Any]) -> None:
        """Take a line that a service wrote."""
        with self._lock:
            self._lines.append(line)
            self._events[str(line.get("event"))] += 1
        self.text(str(line.get("event")))

    def text(self, text: str) -> None:
        """Take any other line; kept is what the delivery engine says was lost."""
        if text.startswith(_ENGINE) and any(word in text for word in _LOST):
            self._complaints.append(text)

    def events(self, *names: str) -> int:
        """Return how many lines of these events there are."""
        with self._lock:
            return sum(self._events[name] for name in names)

    def answers(self) -> list[Answer]:
        """Return the answers so far."""
        with self._lock:
            return list(self._answers)

    def seen(self) -> Seen:
        """Return everything so far."""
        with self._lock:
            return Seen(
                answers=tuple(self._answers),
                spans=tuple(self._spans),
                points=tuple(self._points.values()),
                exemplars=tuple(self._exemplars),
                records=tuple(self._records),
                lines=tuple(self._lines),
                complaints=tuple(self._complaints),
            )
