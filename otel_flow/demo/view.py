"""The terminal: a trace as a tree with durations and errors, and the table of operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from otel_flow.demo.tree import record_line, tree_lines


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from otel_flow.demo.load import Answer
    from otel_flow.demo.statistics import Row
    from otel_flow.demo.story import Trace
    from otel_flow.demo.tree import Line
    from otel_flow.otlp.receiver import LogRecord


_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")
_WITH_SERVICE = 60
_WITH_TIMELINE = 96
_TIMELINE = 24
_GUIDES = ("│ ", "  ", "├─", "└─")
_ASCII_GUIDES = ("| ", "  ", "|-", "`-")
_SLOW = 0.2
_FAILURE = 500


class View:
    """Prints to *console*, as wide and as colourful as that is."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._ascii = console.options.ascii_only
        self._guides = _ASCII_GUIDES if self._ascii else _GUIDES
        self._colours: dict[str, str] = {}

    def trace(self, trace: Trace) -> None:
        """Print *trace* as a tree."""
        self.console.print(self.render_trace(trace))

    def render_trace(self, trace: Trace) -> Table:
        """Return *trace* as a tree with a line a span and a line a log record."""
        lines = tree_lines(trace)
        width = self.console.width
        whole = max((line.start + line.seconds for line in lines), default=0.0)
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        if width >= _WITH_SERVICE:
            table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        if width >= _WITH_TIMELINE:
            table.add_column(width=_TIMELINE, no_wrap=True)
        table.add_row(self._head(trace), *[""] * (len(table.columns) - 1))
        for line in lines:
            cells = [self._text(line)]
            if width >= _WITH_SERVICE:
                cells.append(Text(line.service, self._colour(line.service)))
            cells.append(_duration(line))
            if width >= _WITH_TIMELINE:
                cells.append(self._timeline(line, whole))
            table.add_row(*cells)
        table.add_row("")
        return table

    def _head(self, trace: Trace) -> Text:
        again = " (more has arrived)" if trace.again else ""
        return Text(f"trace {trace.trace_id}{again}", "dim")

    def _text(self, line: Line) -> Text:
        text = Text().append(self._guide(line.last), "dim")
        style = {"error": "red", "warning": "yellow", "": ""}[line.trouble]
        if line.kind == "record":
            text.append(f"{line.level:<5} ", style or "dim")
            text.append(line.text, style)
            text.append(f" {line.detail}", "dim")
        elif line.kind == "exception":
            text.append(f"{'x' if self._ascii else '✗'} {line.text}", "bold red")
            text.append(f": {line.detail}" if line.detail else "", "red")
        else:
            text.append(line.text, f"bold {style}".strip())
            text.append(f" {line.detail}" if line.detail else "", style or "dim")
        return text

    def _guide(self, last: Sequence[bool]) -> str:
        if not last:
            return ""
        bar, blank, branch, end = self._guides
        above = "".join(blank if ended else bar for ended in last[:-1])
        return f"{above}{end if last[-1] else branch} "

    def _colour(self, service: str) -> str:
        if service not in self._colours:
            self._colours[service] = _COLOURS[len(self._colours) % len(_COLOURS)]
        return self._colours[service]

    def _timeline(self, line: Line, whole: float) -> Text:
        if line.kind != "span" or whole <= 0:
            return Text("")
        begin = min(_TIMELINE - 1, max(0, int(line.start / whole * _TIMELINE)))
        length = max(1, min(_TIMELINE - begin, round(line.seconds / whole * _TIMELINE)))
        bar = Text(" " * begin)
        bar.append(
            ("=" if self._ascii else "━") * length,
            "red" if line.trouble else self._colour(line.service),
        )
        return bar

    def answer(self, answer: Answer) -> None:
        """Print an answer with its trace id, a line."""
        failed = not 0 < answer.status < _FAILURE
        asked = f"{answer.visit.method} {answer.visit.path} {answer.status}"
        text = Text().append(asked, "red" if failed else "")
        text.append(f"  {milliseconds(answer.seconds)}  trace {answer.trace_id}", "dim")
        text.no_wrap, text.overflow = True, "ellipsis"
        self.console.print(text)

    def records(self, records: Iterable[LogRecord]) -> None:
        """Print records that belong to no trace, a line each."""
        for record in records:
            line = record_line(record)
            text = Text().append(f"{line.service} ", self._colour(line.service))
            text.append_text(self._text(line))
            text.no_wrap, text.overflow = True, "ellipsis"
            self.console.print(text)

    def render_operations(self, rows: Sequence[Row]) -> Table:
        """Return the table of rate, errors and durations of the last minute."""
        width = self.console.width
        named, narrow = width >= _WITH_TIMELINE, width < _WITH_SERVICE
        table = Table(title="last minute", title_justify="left", expand=True, box=None)
        table.add_column("", style="dim", no_wrap=True)
        table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")
        if named:
            table.add_column("service", no_wrap=True)
        for name in ("count", "rate/s", "errors", "p50", "p95"):
            if not narrow or name not in {"count", "p50"}:
                table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*self._cells(row, named=named, narrow=narrow))
        return table

    def _cells(self, row: Row, *, named: bool, narrow: bool) -> list[str | Text]:
        cells: list[str | Text] = [row.operation, Text(row.name)]
        if named:
            cells.append(Text(row.service, self._colour(row.service)))
        if not narrow:
            cells.append(str(row.count))
        cells += [f"{row.rate:.1f}", Text(str(row.errors), "bold red" if row.errors else "dim")]
        if not narrow:
            cells.append(milliseconds(row.p50))
        return [*cells, Text(milliseconds(row.p95), "yellow" if row.p95 >= _SLOW else "")]


def _duration(line: Line) -> Text:
    if line.kind != "span":
        return Text("")
    style = "red" if line.trouble else ("yellow" if line.seconds >= _SLOW else "")
    return Text(milliseconds(line.seconds), style)


def milliseconds(seconds: float) -> str:
    """Return a duration as people read it: milliseconds below a second, seconds above."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
