"""The summary for people and for programs."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text


if TYPE_CHECKING:
    from rich.console import Console

    from otel_flow.demo.summary import Row, Summary


_WITNESSES = ("answers", "spans", "points", "lines")


def print_summary(console: Console, summary: Summary) -> None:
    """Print what was counted, then each check with its result."""
    if summary.rows:
        console.print(_table(summary))
    marks = ("ok", "DIFFERS") if console.options.ascii_only else ("✓", "✗")
    for check in summary.checks:
        mark = Text(f"{marks[0 if check.passed else 1]} ", "green" if check.passed else "bold red")
        console.print(mark + Text(f"{check.name}: {check.found}"))
    text, style = (
        ("everything agrees", "bold green") if summary.passed else ("NOT the same", "bold red")
    )
    console.print(Text(f"\n{text}", style))


def _table(summary: Summary) -> Table:
    table = Table(box=None, title="what each of the four saw", title_justify="left")
    table.add_column("", overflow="ellipsis", no_wrap=True)
    for witness in _WITNESSES:
        table.add_column(witness, justify="right", no_wrap=True)
    for row in summary.rows:
        table.add_row(row.name, *_counts(row))
    totals = [str(sum(getattr(row, name) for row in summary.rows)) for name in _WITNESSES]
    table.add_row(Text("all", "bold"), *totals)
    return table


def _counts(row: Row) -> list[Text]:
    style = "" if row.agrees else "bold red"
    return [Text(str(getattr(row, name)), style) for name in _WITNESSES]


def summary_document(summary: Summary) -> dict[str, Any]:
    """Return *summary* as JSON has it."""
    return {
        "passed": summary.passed,
        "checks": [dataclasses.asdict(check) for check in summary.checks],
        "requests": [dataclasses.asdict(row) for row in summary.rows],
        "trace_ids": list(summary.trace_ids),
    }
