"""The table of what was counted, a row a cell."""

from __future__ import annotations

import dataclasses


HEAD = (
    "| model | init | what happens | ends with | units | spans | histogram | records | lines "
    "| copies | ids |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What was done in one cell, and what of it arrived."""

    model: str
    init: str
    scenario: str
    status: int | None
    done: int
    spans: int
    count: int
    records: int
    lines: int
    copies: int
    ids: int
    note: str = ""

    def __str__(self) -> str:
        numbers = (self.done, self.spans, self.count, self.records, self.lines)
        cells = (self.model, self.init, self.scenario + self.note, self.status, *numbers)
        return f"| {' | '.join(map(str, (*cells, self.copies, self.ids)))} |"


ROWS: list[Row] = []


def table() -> str:
    """The rows of this session, by model."""
    return "\n".join([HEAD, *map(str, sorted(ROWS, key=lambda row: (row.model, row.init)))])
