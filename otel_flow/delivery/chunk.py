"""What waits to be sent: encoded requests that can be split without being decoded."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


CHUNK_BYTES = 256 * 1024
"""A request is closed when it has grown to this size, so that a rejected one costs little."""


class Part(NamedTuple):
    """A complete OTLP request of a few items; requests joined end to end are one request."""

    body: bytes
    items: int


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """One request in the making: parts that are sent together."""

    parts: tuple[Part, ...]
    lasting: bool = False
    """Whether no later state of the same metrics makes it superfluous."""

    @property
    def items(self) -> int:
        """Spans, log records or data points in it."""
        return sum(part.items for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes before compression."""
        return sum(len(part.body) for part in self.parts)

    @property
    def body(self) -> bytes:
        """
        The request as it is sent.

        Every field of an OTLP export request is repeated, and protobuf merges
        messages that stand one after the other (encoding, "Last One Wins").
        """
        return b"".join(part.body for part in self.parts)

    def halves(self) -> tuple[Chunk, ...]:
        """Return it in two, or nothing where it is a single part."""
        middle = len(self.parts) // 2
        halves = (self.parts[:middle], self.parts[middle:]) if middle else ()
        return tuple(Chunk(parts, self.lasting) for parts in halves)


def pack(parts: Iterable[Part], *, max_items: int | None, lasting: bool = False) -> Iterator[Chunk]:
    """Yield *parts* in chunks of about `CHUNK_BYTES` and at most *max_items* items."""
    waiting: list[Part] = []
    size = items = 0
    for part in parts:
        too_many = max_items is not None and items + part.items > max_items
        if waiting and (size + len(part.body) > CHUNK_BYTES or too_many):
            yield Chunk(tuple(waiting), lasting)
            waiting, size, items = [], 0, 0
        waiting.append(part)
        size += len(part.body)
        items += part.items
    if waiting:
        yield Chunk(tuple(waiting), lasting)
