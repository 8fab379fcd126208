"""Parsing the command line and calling the command."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from importlib.metadata import version
from typing import TYPE_CHECKING

from otel_flow.cli.commands import COMMANDS
from otel_flow.names.distribution import own_version


if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_flow.cli.commands import Command


_BROKEN_PIPE = 128 + 13
"""Exit code of a process whose reader went away, as the shell reports SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``otel-flow`` with *argv*, by default the process's arguments, and return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    parser, chosen = _parser(arguments)
    parsed = parser.parse_args(arguments)
    if chosen is None:
        parser.print_help()
        return 2
    try:
        code = chosen.load().run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return 130
    return code


def _parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, Command | None]:
    """Return the parser, with the arguments of the command that is called, and that command."""
    parser = argparse.ArgumentParser(
        prog="otel-flow",
        description="OpenTelemetry for Python services: traces, metrics and correlated logs.",
    )
    parser.add_argument("--version", action="version", version=_versions())
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    chosen = None
    for command in COMMANDS:
        is_chosen = command.name == named
        module = command.load() if is_chosen else None
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary.capitalize()}.",
            epilog=f"examples:\n{module.EXAMPLES}" if module else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if module is not None:
            module.add_arguments(subparser)
            chosen = command
    return parser, chosen


def _versions() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"otel-flow {own_version()} (opentelemetry-sdk {version('opentelemetry-sdk')}, {python})"
