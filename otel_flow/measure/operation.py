"""`timed_operation`: a span and a duration for a block of code."""

from __future__ import annotations

import time

from typing import TYPE_CHECKING

from otel_flow.measure.recording import Instrument, error_type, tracer
from otel_flow.measure.span import SpanCall
from otel_flow.names.measure import ERROR_TYPE, OPERATION, OPERATION_DURATION


if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from opentelemetry.util.types import AttributeValue


_durations = Instrument(OPERATION_DURATION)


class Operation:
    """The block under `timed_operation`; `set` adds to its span what becomes known in it."""

    def __init__(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        self._name = name
        self._attributes = dict(attributes)
        self._call: SpanCall | None = None
        self._started = 0.0

    def set(self, **attributes: AttributeValue) -> None:
        """Add *attributes* to the span."""
        if self._call is not None:
            self._call.span.set_attributes(attributes)

    @property
    def seconds(self) -> float:
        """Seconds since the block was entered."""
        return time.perf_counter() - self._started

    def __enter__(self) -> Self:
        span = tracer().start_span(
            self._name, attributes={OPERATION.name: self._name, **self._attributes}
        )
        self._call = SpanCall(span, record_exception=True)
        self._call.resume()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._call is None:
            return
        measured = {OPERATION.name: self._name}
        if error is not None:
            measured[ERROR_TYPE.name] = error_type(error)
        _durations.record(self.seconds, measured)
        self._call.end(error)
        self._call.pause()


def timed_operation(name: str, /, **attributes: AttributeValue) -> Operation:
    """
    Return a context manager that records a span and a duration for its block.

    The span is named *name* and carries *attributes*; the duration goes, in seconds, to
    ``otel_flow.operation.duration`` by ``otel_flow.operation.name``, with ``error.type``
    where the block raised. *attributes* stay off the metric: their values have no bound.
    Works the same around code that awaits.
    """
    return Operation(name, attributes)
