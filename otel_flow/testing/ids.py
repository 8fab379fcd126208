"""Ids that are the same in every run."""

from __future__ import annotations

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator


class SequentialIdGenerator(IdGenerator):
    """Gives traces and spans the ids 1, 2, 3 and so on; `reset` begins again."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin again at 1."""
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)
