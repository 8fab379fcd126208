"""``otel-flow names``: every span, metric, event and attribute that can be recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.cli.output import complain, write, write_json, write_table
from otel_flow.names.catalogue import DOMAINS, as_dicts, attributes_of, markdown


if TYPE_CHECKING:
    import argparse

    from collections.abc import Iterator

    from otel_flow.names.catalogue import Domain


EXAMPLES = """\
  otel-flow names                    spans, metrics, events and attributes
  otel-flow names db.client          those whose names hold "db.client"
  otel-flow names --json | jq -r '.[].metrics[].name'
  otel-flow names --markdown > docs/telemetry.md

Exits with 1 if nothing has that name.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("part", nargs="?", default="", help="a part of the names to show")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="write all of it as JSON")
    form.add_argument("--markdown", action="store_true", help="write all of it as Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Print the names."""
    if arguments.json:
        write_json(as_dicts())
        return 0
    if arguments.markdown:
        write(f"{INTRODUCTION}\n{markdown()}".rstrip())
        return 0
    rows = [row for domain in DOMAINS for row in _rows(domain) if arguments.part in row[1]]
    rows = list(dict.fromkeys(rows))
    if not rows:
        complain(f"no span, metric, event or attribute has {arguments.part!r} in its name")
        return 1
    write_table(("KIND", "NAME", "TYPE", "WHAT IT IS"), rows)
    return 0


def _rows(domain: Domain) -> Iterator[tuple[str, str, str, str]]:
    for span in domain.spans:
        yield "span", span.name, span.kind, span.brief
    for metric in domain.metrics:
        yield "metric", metric.name, f"{metric.instrument}, {metric.unit}", metric.brief
    for event in domain.events:
        yield "event", event.name, event.severity, event.brief
    for attribute in attributes_of(domain):
        yield "attribute", attribute.name, attribute.type, attribute.brief


INTRODUCTION = """\
# Telemetry

Every span, metric, event and attribute that otel-flow records, printed by `otel-flow names --markdown`.

Names are those of OpenTelemetry's semantic conventions. *Stable* ones do not change; *development*
ones may, as the conventions do, and then appear under **Changed** in the changelog; what the conventions
have no name for is *otel-flow*'s own. A name in braces stands for the attribute's value. In Prometheus
dots are underscores and units and `_total` are appended: `http.server.request.duration` is
`http_server_request_duration_seconds`.
"""
