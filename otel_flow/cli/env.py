"""``otel-flow env``: the settings in effect."""

from __future__ import annotations

import dataclasses
import sys

from typing import TYPE_CHECKING

from otel_flow.cli.output import complain, write_json, write_table
from otel_flow.errors import ConfigError
from otel_flow.settings import Settings
from otel_flow.settings.describe import describe
from otel_flow.settings.page import markdown_page


if TYPE_CHECKING:
    import argparse

    from otel_flow.settings.describe import Row


EXAMPLES = """\
  otel-flow env                         every setting, its value, where it comes from
  otel-flow env --changed               only what is not at its default
  otel-flow env --json | jq '.settings[] | select(.source != "default")'
  otel-flow env --markdown              all that can be set, as docs/settings.md has it
  OTEL_SERVICE_NAME=shop otel-flow env  what a service would see with this variable

Secrets are masked. Exits with 2 if the configuration is wrong, and lists all that is.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="write JSON")
    form.add_argument(
        "--markdown", action="store_true", help="write the page of all that can be set"
    )
    parser.add_argument("--changed", action="store_true", help="leave defaults out")


def run(arguments: argparse.Namespace) -> int:
    """Print the settings that the environment gives."""
    if arguments.markdown:
        sys.stdout.write(markdown_page())
        return 0
    try:
        settings = Settings.from_environ()
    except ConfigError as error:
        return _report(error, as_json=arguments.json)
    rows = describe(settings)
    if arguments.changed:
        rows = tuple(row for row in rows if row.source != "default")
    if arguments.json:
        write_json(
            {
                "settings": [dataclasses.asdict(row) for row in rows],
                "warnings": settings.warnings,
                "problems": [],
            }
        )
    else:
        _write_rows(rows)
        for warning in settings.warnings:
            complain(f"warning: {warning}")
    return 0


def _write_rows(rows: tuple[Row, ...]) -> None:
    cells = [(row.setting, row.text, row.source, row.variable or "-") for row in rows]
    write_table(("SETTING", "VALUE", "FROM", "VARIABLE"), cells)


def _report(error: ConfigError, *, as_json: bool) -> int:
    if as_json:
        problems = [dataclasses.asdict(problem) for problem in error.problems]
        write_json({"settings": [], "warnings": [], "problems": problems})
    else:
        complain(str(error))
    return 2
