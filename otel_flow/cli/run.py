"""``otel-flow run``: a command under ``opentelemetry-instrument``, with our distro chosen."""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import sys

from otel_flow.cli.output import complain
from otel_flow.names.environment import CONFIGURATOR, DISTRO, ENTRY_POINT
from otel_flow.settings.inherited import inherited


EXAMPLES = """\
  otel-flow run -- uvicorn shop:app
  otel-flow run -- celery -A shop worker
  OTEL_SERVICE_NAME=shop otel-flow run -- python -m shop

The command replaces this process. Exits with 127 if it is not found, as a shell does.
"""

_WRAPPER = "opentelemetry-instrument"
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "otel-flow run [-h] [--] CMD [ARG ...]"
    parser.add_argument(
        "cmd", metavar="CMD", nargs=argparse.REMAINDER, help="the command and its arguments"
    )


def run(arguments: argparse.Namespace) -> int:
    """Replace this process by the command; return only if that is impossible."""
    command = arguments.cmd[1:] if arguments.cmd[:1] == ["--"] else arguments.cmd
    if not command:
        complain("run: no command given, such as: otel-flow run -- uvicorn shop:app")
        return _NOT_FOUND
    wrapper = _wrapper()
    if wrapper is None:
        complain(f"run: {_WRAPPER} not found: pip install opentelemetry-instrumentation")
        return _NOT_FOUND
    if shutil.which(command[0]) is None:
        complain(f"run: {command[0]}: command not found")
        return _NOT_FOUND
    return _become([wrapper, *command])


def _wrapper() -> str | None:
    """Return the wrapper of this interpreter's environment, else the one on PATH."""
    beside = pathlib.Path(sys.executable).parent
    return shutil.which(_WRAPPER, path=str(beside)) or shutil.which(_WRAPPER)


def _become(command: list[str]) -> int:
    sys.stdout.flush()
    environment = inherited({DISTRO: ENTRY_POINT, CONFIGURATOR: ENTRY_POINT})
    try:
        os.execve(command[0], command, environment)  # noqa: S606 - replacing the process is the command's purpose
    except OSError as error:
        complain(f"run: {command[0]}: {error.strerror}")
        return _NOT_EXECUTABLE
