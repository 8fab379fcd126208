"""Telemetry that is kept in memory, for a test to look at."""

from __future__ import annotations

import contextlib
import sys

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_flow import telemetry as running
from otel_flow.bootstrap.assembly import start
from otel_flow.bootstrap.components import Components
from otel_flow.errors import OtelFlowError
from otel_flow.instrumentation.libraries import LIBRARIES
from otel_flow.settings import Settings
from otel_flow.testing.clock import FrozenClock
from otel_flow.testing.ids import SequentialIdGenerator
from otel_flow.testing.metrics import Metrics
from otel_flow.testing.plain import plain_record, plain_span


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Unpack

    from otel_flow.settings.keywords import SettingKeywords
    from otel_flow.telemetry import Telemetry


_PER_TEST = AggregationTemporality.DELTA
_NOTHING = {f"{signal}_exporters": () for signal in ("traces", "metrics", "logs")}


class RecordedTelemetry:
    """
    What was recorded since the last `clear`, as dictionaries of plain values.

    Spans are in the order in which they ended, log records in that in which they were
    written. Counters and histograms hold what was added since; gauges and up-down
    counters what they stand at.
    """

    def __init__(self) -> None:
        self.clock = FrozenClock()
        """The time of what is recorded; see `FrozenClock.advance`."""
        self._ids = SequentialIdGenerator()
        self._spans = InMemorySpanExporter()
        self._records = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self._reader = InMemoryMetricReader(
            preferred_temporality=dict.fromkeys((Counter, Histogram, ObservableCounter), _PER_TEST)
        )
        self._metrics = Metrics()
        self.telemetry: Telemetry

    def components(self) -> Components:
        """Return what telemetry has to be started with, to be recorded here."""
        return Components(
            id_generator=self._ids,
            span_processors=(SimpleSpanProcessor(self._spans),),
            log_record_processors=(SimpleLogRecordProcessor(self._records),),
            metric_readers=(self._reader,),
        )

    def clear(self) -> None:
        """Forget what was recorded; ids and clock begin again."""
        self._reader.get_metrics_data()
        self._metrics.clear()
        self._spans.clear()
        self._records.clear()
        self._ids.reset()
        self.clock.reset()

    def instrument(self, *targets: object) -> Callable[[], None]:
        """Instrument *targets* as `Telemetry.instrument` does."""
        return self.telemetry.instrument(*targets)

    def spans(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the spans that have ended, or those of *name*."""
        found = (plain_span(s, self.clock.shown) for s in self._spans.get_finished_spans())
        return [span for span in found if name in {None, span["name"]}]

    def span(self, name: str) -> dict[str, Any]:
        """
        Return the one span of *name*.

        Raises `LookupError`, with the names that there are, where there is none or more.
        """
        return _one(f"span {name!r}", self.spans(name), (span["name"] for span in self.spans()))

    def logs(self, body: str | None = None) -> list[dict[str, Any]]:
        """Return the log records, or those with *body*."""
        found = (plain_record(r, self.clock.shown) for r in self._records.get_finished_logs())
        return [record for record in found if body in {None, record["body"]}]

    def log(self, body: str) -> dict[str, Any]:
        """Return the one log record with *body*; raises `LookupError` as `span` does."""
        return _one(f"log record {body!r}", self.logs(body), (str(r["body"]) for r in self.logs()))

    def points(self, name: str | None = None, **attributes: Any) -> list[dict[str, Any]]:
        """
        Return the data points of all metrics, or of metric *name*.

        *attributes* are those that points must have, dots as double underscores:
        ``points("http.server.request.duration", http__route="/items")``.
        """
        self._metrics.add(self._reader.get_metrics_data())
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        return [
            point
            for point in self._metrics.points()
            if name in {None, point["name"]} and wanted.items() <= point["attributes"].items()
        ]

    def point(self, name: str, **attributes: Any) -> dict[str, Any]:
        """Return the one data point as `points` finds it; raises `LookupError` as `span` does."""
        return _one(
            f"data point of {name!r}",
            self.points(name, **attributes),
            (f"{point['name']} {point['attributes']}" for point in self.points()),
        )


def _one(what: str, found: list[dict[str, Any]], there: Iterable[str]) -> dict[str, Any]:
    if len(found) != 1:
        listed = "".join(f"\n  {name}" for name in there) or " nothing"
        raise LookupError(f"{len(found)} instead of one {what}; recorded:{listed}")
    return found[0]


@contextlib.contextmanager
def record(**keywords: Unpack[SettingKeywords]) -> Iterator[RecordedTelemetry]:
    """
    Run telemetry that is recorded in memory, as the process' own, until the end of the block.

    *keywords* are the fields of `Settings`; variables of the environment are not read, and
    nothing is sent. An application that calls `otel_flow.configure` meanwhile gets the
    running handle, as under ``opentelemetry-instrument``. Raises `OtelFlowError` where
    telemetry runs already.
    """
    if running.current() is not None:
        raise OtelFlowError(
            "telemetry runs already, and what it records is not kept: have the application call "
            "configure() in a function that tests call, not when its module is imported, or set "
            "otel_flow_early = true in pytest's configuration"
        )
    recorded = RecordedTelemetry()
    given: dict[str, Any] = {"service_name": "test", **_NOTHING, **keywords}
    settings = Settings.from_environ({}, **given)
    with start(settings, recorded.components(), starter="tests") as handle:
        recorded.telemetry = handle
        yield recorded


@contextlib.contextmanager
def repeatable(recorded: RecordedTelemetry) -> Iterator[RecordedTelemetry]:
    """Forget what was recorded, and have the block recorded with ids and times that repeat."""
    for library in LIBRARIES:
        if library.package in sys.modules:
            library.load()
    recorded.clear()
    with recorded.clock.installed():
        yield recorded
