"""Render ``docs/demo.svg`` from a run of ``otel-flow demo --once``: ``make picture``."""

from __future__ import annotations

import io
import re
import sys

from pathlib import Path

from rich.console import Console
from rich.text import Text

from otel_flow.demo.run import Demo, DemoOptions


WIDTH = 104
PICTURE = Path(__file__).with_name("demo.svg")
_SHOWN = ("receipt.sent", "ZeroDivisionError")
"""What the traces are known by that the picture shows."""
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run_demo() -> str:
    """Return what a run prints, with colours; raises `SystemExit` if the run found anything wrong."""
    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, color_system="truecolor", highlight=False
    )
    options = DemoOptions(requests=32, rate=30.0, port=0, send=None, redis_url=None, as_json=False)
    if code := Demo(options, console).run():
        raise SystemExit(code)
    return console.export_text(styles=True)


def chosen(printed: str) -> list[Text]:
    """Return the lines to show: one trace of each kind, the table, and the verdict."""
    lines = [Text.from_ansi(line) for line in printed.splitlines()]
    traces = _traces(lines)
    shown: list[Text] = []
    for mark in _SHOWN:
        shown += next(trace for trace in traces if any(mark in line.plain for line in trace))
    table = next(n for n, line in enumerate(lines) if line.plain.startswith("last minute"))
    counts = next(n for n, line in enumerate(lines) if " log records, " in line.plain)
    return [*shown, *lines[table : counts + 1], Text(), lines[-1]]


def _traces(lines: list[Text]) -> list[list[Text]]:
    """Return the lines of each tree, the empty one at its end included."""
    found: list[list[Text]] = []
    inside = False
    for line in lines:
        if line.plain.startswith("trace "):
            found.append([])
            inside = True
        if inside:
            found[-1].append(line)
            inside = bool(line.plain.strip())
    return found


def render(lines: list[Text]) -> str:
    """Return *lines* as SVG that names no server."""
    console = Console(file=io.StringIO(), record=True, width=WIDTH, highlight=False)
    for line in lines:
        console.print(line, no_wrap=True, crop=True)
    svg = console.export_svg(title="otel-flow demo", unique_id="demo")
    return _FONTS.sub("", svg).replace("Fira Code", "ui-monospace, Menlo, Consolas")


if __name__ == "__main__":
    PICTURE.write_text(render(chosen(run_demo())))
    sys.stdout.write(f"{PICTURE}\n")
