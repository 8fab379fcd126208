"""Encoded chunks that wait for the backend, within a bound of bytes."""

from __future__ import annotations

import collections

from typing import TYPE_CHECKING, Literal

from otel_flow.delivery.chunk import CHUNK_BYTES


if TYPE_CHECKING:
    from otel_flow.delivery.chunk import Chunk


class Backlog:
    """
    Chunks in order; the one being sent is never dropped. Its owner locks around each call.

    Small ones are joined while they wait, up to the size of a chunk and *max_items*: after
    an outage they are few requests, and until then few objects.
    """

    def __init__(
        self, *, limit: int, drop: Literal["oldest", "newest"], max_items: int | None = None
    ) -> None:
        self._limit = limit
        self._max_items = max_items
        self._drop_oldest = drop == "oldest"
        self._chunks: collections.deque[Chunk] = collections.deque()
        self._bytes = 0
        self._sending = False

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def items(self) -> int:
        """Items in all chunks."""
        return sum(chunk.items for chunk in self._chunks)

    @property
    def size(self) -> int:
        """Bytes in all chunks."""
        return self._bytes

    @property
    def in_flight(self) -> int:
        """Items of the chunk that is being sent."""
        return self._chunks[0].items if self._sending else 0

    def put(self, chunk: Chunk) -> int:
        """Append *chunk* and return how many items had to go for it."""
        dropped = 0
        while self._chunks and self._bytes + chunk.size > self._limit:
            victim = self._oldest_waiting() if self._drop_oldest else None
            if victim is None:
                return dropped + chunk.items
            dropped += victim.items
        self._bytes += chunk.size
        if self._joins(chunk):
            chunk = self._chunks.pop().joined(chunk)
        self._chunks.append(chunk)
        return dropped

    def _joins(self, chunk: Chunk) -> bool:
        if len(self._chunks) <= self._sending:
            return False
        last = self._chunks[-1]
        fits = self._max_items is None or last.items + chunk.items <= self._max_items
        return fits and last.lasting == chunk.lasting and last.size + chunk.size <= CHUNK_BYTES

    def _oldest_waiting(self) -> Chunk | None:
        if len(self._chunks) <= self._sending:
            return None
        chunk = self._chunks[int(self._sending)]
        del self._chunks[int(self._sending)]
        self._bytes -= chunk.size
        return chunk

    def supersede(self) -> int:
        """Drop all that is not being sent and does not last; return how many items those were."""
        before = self.items
        first = int(self._sending)
        kept = [c for n, c in enumerate(self._chunks) if n < first or c.lasting]
        self._chunks = collections.deque(kept)
        self._bytes = sum(chunk.size for chunk in kept)
        return before - self.items

    def begin(self) -> Chunk | None:
        """Return the oldest chunk, which is now being sent."""
        if not self._chunks:
            return None
        self._sending = True
        return self._chunks[0]

    def pause(self) -> None:
        """Let the chunk that was being sent wait again."""
        self._sending = False

    def finish(self, replacement: tuple[Chunk, ...] = ()) -> None:
        """Remove the chunk that was being sent, or put *replacement* into its place."""
        chunk = self._chunks.popleft()
        self._sending = False
        self._chunks.extendleft(reversed(replacement))
        self._bytes += sum(new.size for new in replacement) - chunk.size
