"""What waits to be sent: encoded requests that can be split without being decoded."""

from __future__ import annotations

import dataclasses

from typing import Any

from otel_flow.otlp.split import halves


CHUNK_BYTES = 256 * 1024
"""A request is closed when it has grown to this size, so that a rejected one costs little."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """One export request: *body*, the bytes that are sent but for compression, of *items* items."""

    signal: str
    body: Any
    items: int
    """Spans, log records or data points in it."""
    lasting: bool = False
    """Whether no later state of the same metrics makes it superfluous."""

    @property
    def size(self) -> int:
        """Bytes before compression."""
        return len(self.body)

    def joined(self, other: Chunk) -> Chunk:
        """Return it with *other* behind it: one message after another is both of them."""
        items = self.items + other.items
        return Chunk(self.signal, self.body + other.body, items, self.lasting)

    def halves(self) -> tuple[Chunk, ...]:
        """Return it in two, or nothing where it is a single item."""
        middle = self.items // 2
        if not middle:
            return ()
        first, rest = halves(self.body, self.signal, self.items)
        return (
            Chunk(self.signal, first, middle, self.lasting),
            Chunk(self.signal, rest, self.items - middle, self.lasting),
        )
