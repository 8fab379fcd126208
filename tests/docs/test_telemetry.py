"""The page of all names is printed from the names."""

import importlib
import pkgutil

import otel_flow.names

from otel_flow.cli import main
from otel_flow.names.catalogue import DOMAINS, attributes_of
from otel_flow.names.model import Attribute, Event, Metric, Span
from tests.stack.build import ROOT


def test_the_page_is_printed_by_the_command(capsys):
    """docs/telemetry.md is what ``otel-flow names --markdown`` prints."""
    assert main(["names", "--markdown"]) == 0

    assert (ROOT / "docs" / "telemetry.md").read_text() == capsys.readouterr().out


def defined():
    """All that is defined in the modules of names, however it is kept there."""
    for module in pkgutil.iter_modules(otel_flow.names.__path__):
        for value in vars(importlib.import_module(f"otel_flow.names.{module.name}")).values():
            kept = value.values() if isinstance(value, dict) else [value]
            yield from (one for one in kept if isinstance(one, Attribute | Event | Metric | Span))


def test_no_name_is_missing():
    """Every span, metric, event and attribute that is defined is in the catalogue."""
    listed = {
        (type(one), one.name)
        for domain in DOMAINS
        for one in (*domain.spans, *domain.metrics, *domain.events, *attributes_of(domain))
    }

    assert {(type(one), one.name) for one in defined()} - listed == set()


def test_names_are_found_by_a_part(capsys):
    """A part of a name lists what has it; one that nothing has is an error."""
    assert main(["names", "pool.name"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["attribute", "db.client.connection.pool.name"]
    ]

    assert main(["names", "no.such"]) == 1
    assert "'no.such'" in capsys.readouterr().err
