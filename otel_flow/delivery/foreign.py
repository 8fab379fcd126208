"""
Exporters of others in queues of ours: what they share with OTLP is the deadline, the bounds,
the fork rules and the numbers; how they send, and how often they try, is their own business.
"""

from __future__ import annotations

import copy
import dataclasses
import time

from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from otel_flow.delivery.chunk import Chunk
from otel_flow.delivery.outlet import Copyable, ignore_request
from otel_flow.delivery.processors import FlowSpanProcessor
from otel_flow.delivery.verdict import Verdict
from otel_flow.delivery.weight import weigh


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk._logs import ReadWriteLogRecord

    from otel_flow.delivery.encoding import Dropped
    from otel_flow.delivery.queue import ItemQueue


BATCH = 512
"""Items that an exporter is handed at once where the settings name no number."""


@dataclasses.dataclass(frozen=True, slots=True)
class Batch(Chunk):
    """Spans or records as they are: *body* is a tuple of them."""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(map(weigh, self.body))

    def joined(self, other: Chunk) -> Batch:
        """Return it with *other* behind it."""
        return _batch(self.signal, self.body + other.body)

    def halves(self) -> tuple[Batch, ...]:
        """Return nothing: an exporter of others says nothing about single items."""
        return ()


def _batch(signal: str, items: tuple[Any, ...]) -> Batch:
    return Batch(signal, items, len(items))


class Batches:
    """An encoder that leaves items as they are; a batch has at most *max_items*."""

    def __init__(self, signal: str, max_items: int | None) -> None:
        self._signal = signal
        self._max_items = max_items or BATCH

    def __call__(
        self, items: Sequence[Any], dropped: Dropped, *, lasting: bool = False
    ) -> Iterator[Batch]:
        """Yield *items* in batches."""
        del dropped, lasting
        for first in range(0, len(items), self._max_items):
            yield _batch(self._signal, tuple(items[first : first + self._max_items]))


class ExporterOutlet(Copyable):
    """Hands batches to *exporter*, which *names* what it is in lines and metrics."""

    endpoint = ""
    takes_nothing = False

    def __init__(self, exporter: Any, names: Any) -> None:
        self._exporter = exporter
        self.component_type = f"{type(names).__module__}.{type(names).__qualname__}"
        self.on_request: Callable[[float, int | None, str | None], None] = ignore_request

    def post(self, chunk: Chunk, timeout: float) -> Verdict:
        """Have *chunk* exported; what the exporter gives up on is lost, as it has tried enough."""
        del timeout
        started = time.monotonic()
        # It may be anybody's.
        try:
            result = self._exporter.export(chunk.body)
            failure = None if getattr(result, "name", "SUCCESS") == "SUCCESS" else "export_failed"
        except Exception as error:
            failure = type(error).__name__
        self.on_request(time.monotonic() - started, None, failure)
        return Verdict("delivered") if failure is None else Verdict("rejected", failure)

    def close(self) -> None:
        """Do nothing: the pipeline stops exporters, under its deadline."""


class ForeignSpanProcessor(FlowSpanProcessor):
    """Queues spans for an exporter of others."""


class ForeignLogRecordProcessor(LogRecordProcessor):
    """Queues log records for an exporter of others."""

    def __init__(self, queue: ItemQueue, *, flush: Callable[[float], bool], timeout: float) -> None:
        self._append = queue.append
        self._flush = flush
        self._timeout = timeout

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue what can be read of *log_record*, without the context that it came from."""
        record = copy.copy(log_record.log_record)
        record.context = Context()
        self._append(
            ReadableLogRecord(
                log_record=record,
                resource=log_record.resource or Resource.get_empty(),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what is queued; see `Pipeline.force_flush`."""
        return self._flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what is queued; the engine itself is stopped by its pipeline."""
        self._flush(self._timeout)
