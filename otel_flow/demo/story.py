"""From batches to stories: the spans and log records of each trace, until it is quiet."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.otlp.receiver import Batch, LogRecord, Span


_TRACES = 500
_ITEMS = 2000
_LOOSE = 1000
_PATIENCE = 3
"""How many times longer a trace is waited for while a parent is missing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """What is known of one trace; *again* if a part of it was told before."""

    trace_id: str
    spans: tuple[Span, ...]
    records: tuple[LogRecord, ...]
    again: bool = False

    @property
    def roots(self) -> tuple[Span, ...]:
        """The spans whose parents are not here, by start."""
        known = {span.span_id for span in self.spans}
        found = [span for span in self.spans if span.parent_id not in known]
        return tuple(sorted(found, key=lambda span: span.start))

    @property
    def services(self) -> frozenset[str]:
        """Every service that took part."""
        items: tuple[Span | LogRecord, ...] = (*self.spans, *self.records)
        return frozenset(item.source.service for item in items)

    @property
    def is_whole(self) -> bool:
        """Whether no span waits for its parent."""
        return bool(self.spans) and all(not root.parent_id for root in self.roots)


class _Growing:
    """A trace that may still grow."""

    __slots__ = ("changed", "records", "spans", "told", "untold")

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.records: list[LogRecord] = []
        self.changed = 0.0
        self.told = False
        self.untold = False

    def snapshot(self, trace_id: str) -> Trace:
        return Trace(trace_id, tuple(self.spans), tuple(self.records), self.told)


class Story:
    """
    Gathers traces and tells each when nothing came to it for *settle* seconds.

    Holds the 500 newest traces with 2000 items each; may be used by several threads.
    """

    def __init__(self, *, settle: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle = settle
        self._clock = clock
        self._lock = threading.Lock()
        self._traces: collections.OrderedDict[str, _Growing] = collections.OrderedDict()
        self._loose: collections.deque[LogRecord] = collections.deque(maxlen=_LOOSE)

    def add(self, batch: Batch) -> None:
        """Take what arrived."""
        with self._lock:
            for span in batch.spans:
                self._grow(span.trace_id).spans.append(span)
            for record in batch.records:
                if record.trace_id:
                    self._grow(record.trace_id).records.append(record)
                else:
                    self._loose.append(record)

    def _grow(self, trace_id: str) -> _Growing:
        trace = self._traces.get(trace_id)
        if trace is None or len(trace.spans) + len(trace.records) >= _ITEMS:
            trace = self._traces[trace_id] = _Growing()
        self._traces.move_to_end(trace_id)
        trace.changed = self._clock()
        trace.untold = True
        if len(self._traces) > _TRACES:
            self._traces.popitem(last=False)
        return trace

    def finished(self, *, everything: bool = False) -> list[Trace]:
        """Return the traces that have become quiet, or everything that was not told yet."""
        now, found = self._clock(), []
        with self._lock:
            for trace_id, trace in self._traces.items():
                if not trace.untold:
                    continue
                snapshot = trace.snapshot(trace_id)
                patience = self._settle * (1 if snapshot.is_whole else _PATIENCE)
                if everything or now - trace.changed >= patience:
                    trace.told, trace.untold = True, False
                    found.append(snapshot)
        return found

    def loose(self) -> list[LogRecord]:
        """Return the records outside any trace that came since the last call."""
        with self._lock:
            found = list(self._loose)
            self._loose.clear()
        return found
