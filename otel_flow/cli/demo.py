"""``otel-flow demo``: see what otel-flow does, with an example shop and no backend."""

from __future__ import annotations

import argparse
import importlib

from typing import Any

from otel_flow.cli.output import complain
from otel_flow.errors import MissingDependencyError


EXAMPLES = """\
  otel-flow demo                              a shop under load, until Ctrl-C
  otel-flow demo --once                       60 requests, then a summary that is checked
  otel-flow demo --once --json | jq .passed
  otel-flow demo --send http://localhost:4318 send to a Collector instead

The shop is a FastAPI service and a Celery worker on SQLite, in processes of their own.
It caches in Redis if one answers. Exits with 0 if everything agrees, 1 if anything
differs or a service fails, 2 if it is called wrongly or a package is missing.
"""

_REDIS = "redis://127.0.0.1:6379/0"
_ONCE = 60
_MOST = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--once", action="store_true", help="stop and check after the requests")
    parser.add_argument(
        "--requests", type=_whole(1, _MOST), metavar="N", help=f"how many, with --once ({_ONCE})"
    )
    parser.add_argument(
        "--rate", type=_rate, metavar="N", help="requests a second (4; 30 with --once)"
    )
    parser.add_argument(
        "--send", metavar="ENDPOINT", help="send OTLP/HTTP there, with your OTEL_EXPORTER_OTLP_*"
    )
    parser.add_argument(
        "--port", type=_whole(0, 65535), default=0, help="port of the receiver (any free one)"
    )
    cache = parser.add_mutually_exclusive_group()
    cache.add_argument("--redis", default=_REDIS, metavar="URL", help=f"the cache ({_REDIS})")
    cache.add_argument("--no-redis", action="store_true", help="a shop without a cache")
    parser.add_argument(
        "--json", action="store_true", help="write JSON: every item, or with --once the summary"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    if arguments.requests and not arguments.once:
        complain("demo: --requests needs --once")
        return 2
    try:
        demo = load_extra("otel_flow.demo.run", "otel-flow demo")
        services = load_extra("otel_flow.demo.services", "otel-flow demo")
    except MissingDependencyError as error:
        complain(str(error))
        return 2
    options = demo.DemoOptions(
        requests=(arguments.requests or _ONCE) if arguments.once else None,
        rate=arguments.rate or (30.0 if arguments.once else 4.0),
        port=arguments.port,
        send=arguments.send,
        redis_url=None if arguments.no_redis else arguments.redis,
        as_json=arguments.json,
    )
    try:
        return int(demo.run_demo(options))
    except services.ServiceEndedError as error:
        complain(f"demo: {error}")
        return 1


def load_extra(module: str, feature: str) -> Any:
    """Import *module*; raises `MissingDependencyError` if a package of the extra ``demo`` is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "otel_flow":
            raise
        raise MissingDependencyError(feature, "otel-flow[demo]") from error


def _whole(least: int, most: int) -> Any:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return parse


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= 1000:  # noqa: PLR2004  what a laptop and its user can stand
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.1 to 1000")
    return rate
