"""
The table of commands: one line and one module each.

A command's module has ``EXAMPLES: str``, ``add_arguments(parser)`` and
``run(arguments) -> int``, which returns the exit code: 0 good, 1 bad, 2 wrong use
or configuration. It is imported when its command is called, not before.
"""

from __future__ import annotations

import dataclasses
import importlib

from typing import TYPE_CHECKING, Protocol, cast


if TYPE_CHECKING:
    import argparse


class CommandModule(Protocol):
    """What a command's module has."""

    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do the work and return the exit code."""


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A name on the command line, what it does in one line, and where it lives."""

    name: str
    summary: str
    module: str

    def load(self) -> CommandModule:
        """Import the module."""
        return cast("CommandModule", importlib.import_module(self.module))


COMMANDS = (
    Command("demo", "see an example shop's traces, logs and metrics", "otel_flow.cli.demo"),
    Command("tail", "see what your own services send", "otel_flow.cli.tail"),
    Command("doctor", "find what is wrong, and what to do about it", "otel_flow.cli.doctor"),
    Command("env", "print every setting, its value and where it comes from", "otel_flow.cli.env"),
    Command(
        "collector",
        "write, show and check the configuration of a Collector",
        "otel_flow.cli.collector",
    ),
    Command(
        "names",
        "print every span, metric, event and attribute that can be recorded",
        "otel_flow.cli.names",
    ),
    Command("run", "run a command under opentelemetry-instrument", "otel_flow.cli.run"),
)
"""Every command, in the order of the help."""
