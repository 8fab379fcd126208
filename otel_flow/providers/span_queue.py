"""Where ended spans go: straight into our queue, or through the processors one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor

from otel_flow.delivery.processors import FlowSpanProcessor


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor


def _to_each(appends: Sequence[Callable[[ReadableSpan], None]]) -> Callable[[ReadableSpan], None]:
    """Return what gives a span to several queues, or to none."""

    def append(span: ReadableSpan) -> None:
        for one in appends:
            one(span)

    return append


_nowhere = _to_each(())


class SpanQueue(SynchronousMultiSpanProcessor):
    """
    The SDK's sequence of processors, which knows whether all of them are ours.

    *append* takes a sampled span that has ended; it is None as soon as a processor
    of somebody else's must see spans while they are written.
    """

    def __init__(self, span_processors: tuple[SpanProcessor, ...] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.append: Callable[[ReadableSpan], None] | None = None
        self._span_processors = span_processors
        self._choose()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have *span_processor* see every span, those that are open now at their end."""
        super().add_span_processor(span_processor)
        self._choose()

    def _choose(self) -> None:
        ours = [p.take for p in self._span_processors if type(p) is FlowSpanProcessor]
        if len(ours) < len(self._span_processors):
            self.append = None
        else:
            self.append = ours[0] if len(ours) == 1 else _to_each(ours)

    def inherited(self) -> SpanQueue:
        """
        Return the same for a forked child, and have this one forget what it is given.

        A span that was open at the fork ends in the parent; ended in the child, too, it
        would arrive twice under one id.
        """
        heir = SpanQueue(self._span_processors)
        self._span_processors = ()
        self.append = _nowhere
        return heir
