"""What is shown while things arrive: trees above, the table of operations below, or JSON lines."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading

from typing import IO, TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from otel_flow.demo.filters import Filter
from otel_flow.demo.statistics import Statistics
from otel_flow.demo.story import Story
from otel_flow.demo.view import View


if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from otel_flow.demo.choice import Choice
    from otel_flow.demo.load import Answer
    from otel_flow.otlp.receiver import Batch


_SERIES = 100_000
_REASONS = 3
_FAILURE = 500


class Screen:
    """
    Shows on *console* the traces that *choice* lets through, of those that *wanted* wants.

    `take` and `refuse` belong to the receiver's threads, the rest to one thread.
    """

    def __init__(
        self, console: Console, *, choice: Choice, settle: float, wanted: Filter | None = None
    ) -> None:
        self.console = console
        self.view = View(console)
        self.statistics = Statistics()
        self._story = Story(settle=settle)
        self._choice = choice
        self._wanted = wanted or Filter()
        self._lock = threading.Lock()
        self._items = {"spans": 0, "records": 0, "points": 0}
        self._series: set[int] = set()
        self._reasons: list[str] = []
        self._answers: dict[tuple[str, int], Answer] = {}
        self._untold: list[Answer] = []
        self._refused = 0

    def take(self, batch: Batch) -> None:
        """Take what arrived."""
        self._story.add(batch)
        self.statistics.add(batch.spans)
        with self._lock:
            for name in self._items:
                self._items[name] += len(getattr(batch, name))
            if len(self._series) < _SERIES:
                self._series.update(hash(point.series) for point in batch.points)

    def answered(self, answer: Answer) -> None:
        """Take a customer's answer, where what the shop recorded goes elsewhere."""
        self.statistics.count(
            "route",
            answer.visit.route,
            "shop",
            answer.seconds,
            failed=not 0 < answer.status < _FAILURE,
        )
        kind = (answer.visit.path, answer.status)
        with self._lock:
            if kind not in self._answers:
                self._answers[kind] = answer
                self._untold.append(answer)

    def refuse(self, reason: str) -> None:
        """Take the reason why something was refused."""
        with self._lock:
            self._refused += 1
            if len(self._reasons) < _REASONS:
                self._reasons.append(reason)

    def tell(self, *, everything: bool = False) -> None:
        """Print what has become complete, or everything that is left."""
        with self._lock:
            reasons, self._reasons = self._reasons, []
            answers, self._untold = self._untold, []
        for answer in answers:
            self.view.answer(answer)
        for reason in reasons:
            self.console.print(Text(f"refused: {reason}", "yellow"))
        finished = self._story.finished(everything=everything)
        wanted = [trace for trace in finished if self._wanted.wants(trace)]
        for trace in self._choice.among(wanted):
            self.view.trace(trace)
        self.view.records(filter(self._wanted.wants_record, self._story.loose()))

    def table(self) -> RenderableType:
        """Return the table of operations and, if anything arrived, a line of counts."""
        table = self.view.render_operations(self.statistics.rows())
        return Group(table, self._counts()) if any(self._items.values()) else table

    def _counts(self) -> Text:
        with self._lock:
            parts = [
                f"{self._items['spans']} spans",
                f"{self._items['records']} log records",
                f"{len(self._series)} metric series",
            ]
            if self._refused:
                parts.append(f"{self._refused} requests refused")
        if self._choice.withheld:
            parts.append(f"{self._choice.withheld} traces not shown")
        return Text(", ".join(parts), "dim")

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Keep the table below what is printed, where there is a terminal; print it at the end."""
        if not self.console.is_terminal:
            yield
            self.console.print(self.table())
            return
        with Live(get_renderable=self.table, console=self.console, refresh_per_second=2):
            yield


def write_items(batch: Batch, stream: IO[str]) -> None:
    """Write each item of *batch* to *stream* as a line of JSON."""
    items = [("span", batch.spans), ("point", batch.points), ("log", batch.records)]
    lines = [
        json.dumps({"signal": signal, **_plain(item)}, ensure_ascii=False, default=_text)
        for signal, values in items
        for item in values
    ]
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _plain(item: Any) -> dict[str, Any]:
    found = dataclasses.asdict(item)
    source = found.pop("source")
    return {**found, "service": item.source.service, **source}


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
