"""The table of what was counted, a row a cell."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from tests.fidelity import evidence


if TYPE_CHECKING:
    from tests.fidelity.collector import Collector
    from tests.fidelity.service import Program


HEAD = (
    "| model | init | what happens | ends with | units | spans | histogram | records | lines "
    "| copies | left | ids |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
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
    left: int
    """Spans and records that the processes said they left behind or dropped."""
    ids: int

    def __str__(self) -> str:
        numbers = (self.done, self.spans, self.count, self.records, self.lines)
        cells = (self.model, self.init, self.scenario, self.status, *numbers, self.copies)
        return f"| {' | '.join(map(str, (*cells, self.left, self.ids)))} |"


ROWS: list[Row] = []


def keep(program: Program, collector: Collector, **keywords: Any) -> Row:
    """Count what *program* has done and what of it *collector* has; keep and print the row."""
    arrived = evidence.read(collector.requests())
    said = evidence.reported(program.stderr)
    row = Row(
        done=program.done(),
        spans=len(arrived.units()),
        count=arrived.counted("units"),
        records=len(arrived.logged()),
        lines=sum("unit" in line for line in program.lines()),
        copies=arrived.copies,
        left=said.get("traces", 0) + said.get("logs", 0),
        ids=len(arrived.instances),
        **keywords,
    )
    ROWS.append(row)
    print(row)
    return row


def table() -> str:
    """The rows of this session, by model."""
    return "\n".join([HEAD, *map(str, sorted(ROWS, key=lambda row: (row.model, row.init)))])
