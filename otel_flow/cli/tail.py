"""``otel-flow tail``: see what your own service sends, without a backend."""

from __future__ import annotations

import argparse
import re

from otel_flow.cli.demo import load_extra
from otel_flow.cli.output import complain
from otel_flow.errors import MissingDependencyError


EXAMPLES = """\
  otel-flow tail                               listen at 4318, print traces as they end
  otel-flow tail --service shop --severity warn
  otel-flow tail --trace 4bf92f35              one trace, by the beginning of its id
  otel-flow tail --json | jq 'select(.signal == "log")'

It prints the export lines that point a service at it. OTLP over HTTP, protobuf or JSON.
In a terminal a service under load is shown in part, into a file or pipe whole.
Exits with 0 after Ctrl-C or SIGTERM, 2 if the port is taken or a package is missing.
"""

_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--port", type=_port, help="port (4318, or a free one if that is taken)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    parser.add_argument(
        "--service", action="append", default=[], metavar="NAME", help="only this one; repeatable"
    )
    parser.add_argument("--trace", type=_trace, metavar="ID", help="only this trace")
    parser.add_argument("--severity", choices=_SEVERITIES, help="only with logs at least as severe")
    parser.add_argument("--errors", action="store_true", help="only with a span that failed")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after that long")
    parser.add_argument("--json", action="store_true", help="write each item as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Listen until Ctrl-C."""
    try:
        tail = load_extra("otel_flow.demo.tail", "otel-flow tail")
        filters = load_extra("otel_flow.demo.filters", "otel-flow tail")
    except MissingDependencyError as error:
        complain(str(error))
        return 2
    wanted = filters.Filter(
        services=frozenset(arguments.service),
        trace_id=arguments.trace or "",
        severity=filters.SEVERITIES[arguments.severity] if arguments.severity else 0,
        errors=arguments.errors,
    )
    options = tail.TailOptions(
        host=arguments.host,
        port=arguments.port,
        wanted=wanted,
        as_json=arguments.json,
        seconds=arguments.seconds,
    )
    try:
        return int(tail.tail(options))
    except OSError as error:
        complain(f"tail: {error.strerror or error}")
        return 2


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _trace(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{1,32}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no beginning of a trace id")
    return text.lower()
