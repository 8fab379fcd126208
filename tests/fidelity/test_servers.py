"""Whatever a server is and however it ends, all that it did arrives."""

import collections

import pytest

from tests.fidelity import evidence
from tests.fidelity.models import SERVERS, WORKERS
from tests.fidelity.scenarios import SCENARIOS, Cell, happens
from tests.fidelity.table import keep


pytestmark = pytest.mark.fidelity

ESSENTIAL = {"uvicorn --workers 4": {"recycle", "Collector restarted", "Collector down"}}
"""Beside SIGTERM under load of every model: what `make test` runs, too."""

WRAPPED = ("SIGTERM", "recycle", "SIGINT")
"""What is run with the wrapper; what comes after start-up is the same with both."""


def cells():
    for model in (*SERVERS, *WORKERS):
        for scenario in SCENARIOS:
            if happens(model, scenario):
                yield cell(model, scenario, wrapped=False)
                if scenario in WRAPPED:
                    yield cell(model, scenario, wrapped=True)


def cell(model, scenario, *, wrapped):
    essential = scenario in {"SIGTERM", *ESSENTIAL.get(model.name, ())} and not wrapped
    # An environment of its own has to be built first.
    essential = essential and not model.requirements
    init = "wrapper" if wrapped else "explicit"
    return pytest.param(
        model,
        scenario,
        wrapped,
        id=f"{model} {scenario} {init}",
        marks=pytest.mark.essential if essential else (),
    )


@pytest.fixture
def run(request, collector, tmp_path):
    """Make the cell, with a broker for what needs one."""
    made = []

    def make(model, *, wrapped):
        broker = request.getfixturevalue("redis_url") if model in WORKERS else ""
        made.append(
            Cell(model=model, folder=tmp_path, collector=collector, wrapped=wrapped, broker=broker)
        )
        return made[0]

    yield make
    for cell in made:
        if cell.service is not None:
            cell.service.kill()


@pytest.mark.parametrize(("model", "scenario", "wrapped"), list(cells()))
def test_everything_arrives(model, scenario, wrapped, run):
    """Every unit of work is one span, one count, one record and one line; the server ends as ever."""
    cell = run(model, wrapped=wrapped)
    SCENARIOS[scenario](cell)
    check(cell, scenario)(cell, row(cell, scenario))
    assert cell.status == cell.expected


def check(cell, scenario):
    if scenario == "Collector down":
        return nothing_arrived
    return all_accounted if scenario == "SIGINT" and cell.model.quick else all_arrived


def row(run, scenario):
    """Count, and keep the row for the table."""
    return keep(
        run.service,
        run.collector,
        model=run.model.name,
        init="wrapper" if run.wrapped else "explicit",
        scenario=scenario,
        status=run.status,
    )


def all_arrived(run, found):
    done = evidence.ledger(run.service.ledger)
    arrived = evidence.read(run.collector.requests())
    lines = run.service.lines()

    assert len(done) >= 60
    assert set(run.answered) <= set(done)
    assert arrived.units() == done
    assert arrived.logged() == done
    assert sorted(line["unit"] for line in lines if "unit" in line) == done
    assert arrived.counted("units") == len(done), run.service.stderr[-2000:]
    # What the server itself says to its end is delivered, too, in whose form ever it was shown.
    said = collections.Counter(record["body"]["stringValue"] for record in arrived.records)
    shown = collections.Counter(line["event"] for line in lines)
    assert shown <= said
    own = [line for line in run.service.stderr.splitlines() if not line.startswith("{")]
    for text, times in (said - shown).items():
        assert sum(line.endswith(text) for line in own) == times, text
    # Loki takes two that are equal for one.
    moments = [(record["instance"], record["timeUnixNano"]) for record in arrived.records]
    assert len(set(moments)) == len(moments)
    if run.model.kind == "asgi":
        served = [number for number in done if number < evidence.CHILD]
        assert arrived.served() == served
        assert served_by_histogram(arrived) == len(served)


def served_by_histogram(arrived):
    return sum(
        arrived.counted("http.server.request.duration", **{"http.route": route})
        for route in evidence.ROUTES
    )


def all_accounted(run, found):
    """What was done while the process was leaving has arrived, or was said to be left behind."""
    done = set(evidence.ledger(run.service.ledger))
    arrived = evidence.read(run.collector.requests())
    said = evidence.reported(run.service.stderr)

    assert set(arrived.units()) <= done
    assert found.done - found.spans <= said.get("traces", 0)
    assert found.done - found.records <= said.get("logs", 0) + said.get("queue_full", 0)


def nothing_arrived(run, found):
    """What could not be delivered is reported to the last item, whichever process had it."""
    reported = evidence.reported(run.service.stderr)
    served = found.done if run.model.kind == "asgi" else 0

    assert (found.spans, found.records) == (0, 0)
    assert reported["traces"] >= found.done + served
    assert reported["logs"] == len(run.service.lines())
    assert reported["metrics"] > 0
