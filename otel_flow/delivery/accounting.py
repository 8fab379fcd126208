"""What became of every item: the numbers of one signal, and the report of a shutdown."""

from __future__ import annotations

import collections
import dataclasses

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


SUPERSEDED = "superseded"
"""The reason of what a later value of the same metric has replaced: no loss."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """
    One signal: produced = delivered + dropped + waiting, in spans, records or points.

    *duplicates* counts items that may have arrived twice, because a connection
    died after they were sent.
    """

    produced: int
    delivered: int
    dropped: Mapping[str, int]
    waiting: int
    duplicates: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlushReport:
    """What a shutdown achieved; true when nothing was left behind or dropped by it."""

    delivered: bool
    left_behind: Mapping[str, int]
    dropped: Mapping[str, int]

    def __bool__(self) -> bool:
        return self.delivered


class Tally:
    """The running numbers of one signal; its owner holds a lock around every change."""

    __slots__ = ("delivered", "dropped", "duplicates", "taken")

    def __init__(self) -> None:
        self.taken = 0
        self.delivered = 0
        self.duplicates = 0
        self.dropped: collections.Counter[str] = collections.Counter()

    @property
    def lost(self) -> int:
        """Items dropped for whatever reason but a later value of the same metric."""
        return self.dropped.total() - self.dropped[SUPERSEDED]

    @property
    def settled(self) -> int:
        """Items of which is known what became of them."""
        return self.delivered + self.dropped.total()
