"""``otel-flow doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap

from typing import TYPE_CHECKING

from otel_flow.cli.output import write, write_json
from otel_flow.doctor import examine
from otel_flow.settings.inherited import inherited
from otel_flow.settings.terminal import wants_colours


if TYPE_CHECKING:
    from otel_flow.doctor import Finding, Level, Report


EXAMPLES = """\
  otel-flow doctor                        look at everything, and send one probe a signal
  otel-flow doctor --no-probe             send nothing
  otel-flow doctor --timeout 2 --json | jq '.findings[] | select(.level == "problem")'
  docker compose exec shop otel-flow doctor

Run it where your service runs, with the service's variables. Each line that is not ok is
followed by what to do. Secrets are masked. Exits with 0 if nothing is broken, 1 if
anything is, 2 if the configuration is wrong.
"""

_COLOURS: dict[Level, str] = {"ok": "32", "note": "36", "warning": "33", "problem": "1;31"}
_SHORTEST, _LONGEST = 0.1, 600.0
_WIDEST = 110
_INDENT = " " * 11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--no-probe", action="store_true", help="look only, connect to nothing")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="longest wait for a name, a connection, an answer (5)",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine this process' environment."""
    writer = _Writer()
    show = (lambda _finding: None) if arguments.json else writer.finding
    report = examine(
        inherited({}), seconds=arguments.timeout, send=not arguments.no_probe, found=show
    )
    if arguments.json:
        write_json(report.document())
    else:
        writer.end(report)
    if report.misconfigured:
        return 2
    return 1 if report.count("problem") else 0


class _Writer:
    """Writes findings as they are made, under the name of their area."""

    def __init__(self) -> None:
        self._area = ""
        self._coloured = wants_colours(sys.stdout)
        self._width = min(_WIDEST, shutil.get_terminal_size().columns) if self._coloured else 0

    def finding(self, finding: Finding) -> None:
        """Write *finding*, and what to do about it."""
        if finding.area != self._area:
            self._area = finding.area
            write(self._painted(finding.area, "1"))
        named = finding.subject and finding.area in {"signals", "probe"}
        subject = f"{finding.subject}: " if named else ""
        level = self._painted(f"{finding.level:<8}", _COLOURS[finding.level])
        text = f"{subject}{finding.message}"
        write(f"  {level} {self._folded(text)}")
        if finding.advice:
            write(f"{_INDENT}-> {self._folded(finding.advice, 3)}")
        sys.stdout.flush()

    def end(self, report: Report) -> None:
        """Write the settings that differ, and the sum."""
        changed = [row for row in report.settings if row.source != "default"]
        if changed:
            write(self._painted("settings in effect", "1"))
        for row in changed:
            write(f"  {row.setting} = {row.text}, from {row.source}")
        problems, warnings = report.count("problem"), report.count("warning")
        told = f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}"
        colour = _COLOURS["problem" if problems else "warning" if warnings else "ok"]
        write(self._painted(told, colour))

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text

    def _folded(self, text: str, more: int = 0) -> str:
        """Return *text* folded to the terminal; elsewhere it stays one line, to be searched."""
        room = self._width - len(_INDENT) - more
        if room < 20:  # noqa: PLR2004  narrower is not readable, folded or not
            return text
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        return f"\n{_INDENT}{' ' * more}".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {_SHORTEST} to {_LONGEST:g}")
    return seconds
