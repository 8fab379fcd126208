"""``otel-flow collector``: the files that run beside the services."""

from __future__ import annotations

import sys

from pathlib import Path
from typing import TYPE_CHECKING

from otel_flow import collector_config
from otel_flow.cli.output import complain, write, write_json
from otel_flow.errors import MissingDependencyError
from otel_flow.settings.inherited import inherited


if TYPE_CHECKING:
    import argparse

    from collections.abc import Callable

    from otel_flow.collector_config import Finding


EXAMPLES = """\
  otel-flow collector init observability    write docker-compose.yml and what it mounts
  cd observability && docker compose up -d  run them
  otel-flow collector config                the effective configuration, secrets masked
  otel-flow collector config base.yaml more.yaml --json
  otel-flow collector check base.yaml       validate it, with a Collector if there is one

Without FILE the configuration is the one that otel-flow brings. Exits with 0 if all is
well, 1 if files are in the way or a configuration is wrong, 2 if it is called wrongly.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    init = actions.add_parser("init", help="write the files into a directory")
    init.add_argument("directory", metavar="DIR", type=Path, help="where to; made if missing")
    init.add_argument("--force", action="store_true", help="overwrite files that differ")
    init.set_defaults(act=_init)
    config = actions.add_parser("config", help="print the effective configuration")
    config.add_argument("--json", action="store_true", help="write JSON instead of YAML")
    config.set_defaults(act=_config)
    check = actions.add_parser("check", help="validate a configuration")
    check.add_argument("--binary", metavar="PATH", help="the Collector to ask (else one on PATH)")
    check.set_defaults(act=_check)
    for action in (config, check):
        action.add_argument(
            "files", metavar="FILE", type=Path, nargs="*", help="configuration; later files win"
        )


def run(arguments: argparse.Namespace) -> int:
    """Do what the action asks for."""
    act: Callable[[argparse.Namespace], int] = arguments.act
    try:
        return act(arguments)
    except MissingDependencyError as error:
        complain(str(error))
        return 2
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        complain(f"collector {arguments.action}: {error}")
        return 1


def _init(arguments: argparse.Namespace) -> int:
    files = collector_config.packaged_files()
    try:
        written = collector_config.write_files(arguments.directory, files, force=arguments.force)
    except FileExistsError as error:
        names = ", ".join(map(str, error.args))
        complain(f"collector init: would overwrite {names}; --force does")
        return 1
    for path in written:
        write(str(path))
    if not written:
        complain(f"collector init: {arguments.directory} is up to date")
    return 0


def _config(arguments: argparse.Namespace) -> int:
    document, missing = _effective(arguments)
    shown = collector_config.masked(document)
    if arguments.json:
        write_json(shown)
    else:
        collector_config.yaml().safe_dump(shown, sys.stdout, sort_keys=False)
    _warn_of_missing(missing)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    files = arguments.files or [collector_config.base_file()]
    binary = arguments.binary or collector_config.find_binary()
    if binary:
        findings = collector_config.validate_with(binary, files)
        checked_by = binary
    else:
        document, missing = _effective(arguments)
        _warn_of_missing(missing)
        findings = collector_config.verify(document)
        checked_by = "its structure only: no Collector on PATH"
    return _report(findings, checked_by)


def _effective(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    files = arguments.files or [collector_config.base_file()]
    documents = [collector_config.load(path) for path in files]
    return collector_config.effective(documents, inherited({}))


def _warn_of_missing(names: list[str]) -> None:
    for name in names:
        complain(f"warning: ${{env:{name}}} is not set")


def _report(findings: list[Finding], checked_by: str) -> int:
    for finding in findings:
        complain(str(finding))
    errors = sum(not finding.is_warning for finding in findings)
    if not errors:
        write(f"ok ({checked_by})")
    return 1 if errors else 0
