"""What commands write: lines on stdout, messages on stderr, tables and JSON."""

from __future__ import annotations

import json
import sys

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Sequence


def write(text: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"otel-flow: {text}\n")


def write_json(value: Any) -> None:
    """Write *value* to stdout as JSON."""
    write(json.dumps(value, indent=2, ensure_ascii=False))


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 48) -> None:
    """
    Write aligned columns.

    A cell longer than *widest* characters moves the rest of its row instead of
    widening the column.
    """
    lines = [header, *rows]
    columns = range(len(header))
    widths = [max(min(len(line[column]), widest) for line in lines) for column in columns]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        write("  ".join(cells).rstrip())
