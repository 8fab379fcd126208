"""What `make bench` says of instructions: counted for real, and compared with the last kept."""

import platform

import pytest

from benchmarks.counting import CpuTime, Server, means, total
from benchmarks.instructions import KEPT, grown, kept, measure, remarks, table
from benchmarks.machine import machine
from benchmarks.operations import OPERATIONS


def result(ours, unit="instructions", **sides):
    return {
        "unit": unit,
        "machine": {"python": "3.11.2", "load": 1.0},
        "costs": {"span": {"upstream": 1000, "ours": ours, **sides}},
    }


def test_growth():
    """What costs more than 5 % more than what was kept is marked and named."""
    now, before = result(106), result(100)

    assert grown(now, before) == ["span"]
    assert "**+6.0%, more than before**" in table(now, before)[-1]
    assert list(remarks(now, before)) == ["More than before: span."]


@pytest.mark.parametrize("ours", [95, 100, 105])
def test_within(ours):
    """What differs by no more than 5 % is shown and not marked."""
    now, before = result(ours), result(100)

    assert grown(now, before) == []
    assert f"{ours / 100 - 1:+.1%}" in table(now, before)[-1]
    assert "**" not in table(now, before)[-1]


def test_gain():
    """What costs less is marked as less, and is no growth."""
    now, before = result(80), result(100)

    assert "**-20.0%, less than before**" in table(now, before)[-1]
    assert grown(now, before) == []


def test_added():
    """Where there is a bare side, ours is a part of what upstream adds to it."""
    assert "| 900 | 1,000 | 910 | 10% |" in table(result(910, bare=900), None)[-1]


def test_other_machine():
    """What is not as it was when the kept result was counted is said; the load is no matter."""
    now, before = result(100), result(100)
    now["machine"] = {"python": "3.14.0", "load": 7.0}

    assert next(remarks(now, before)) == "python was 3.11.2, is 3.14.0."
    assert not any("load" in remark for remark in remarks(now, before))


def test_time():
    """CPU time is compared with no instructions, and how they can be counted is said."""
    now = result(5000, unit="ns")

    assert grown(now, result(100)) == []
    assert "apt-get install" in next(remarks(now, result(100)))


def test_new_operation():
    """An operation that was not there is compared with nothing."""
    before = {**result(100), "costs": {}}

    assert grown(result(100), before) == []
    assert list(remarks(result(100), None)) == ["Nothing was kept to compare with."]


def test_callgrind_output():
    """The instructions of a run are the totals of callgrind's output."""
    assert total("version: 1\nevents: Ir\nfn=(1)\n0 7\n\ntotals: 1234567\n") == 1234567


def test_measured():
    """An operation is measured on both sides, by instructions where this machine can count them."""
    found = measure([OPERATIONS["counter, 3 attributes"]], 64)
    costs = found["costs"]["counter, 3 attributes"]

    assert found["unit"] == means().unit
    assert costs.keys() == {"upstream", "ours"}
    assert all(cost > 0 for cost in costs.values()) or found["unit"] == "ns"


def test_fallback():
    """Without valgrind an operation's CPU time is told, also of one that instruments a library."""
    with Server(CpuTime()) as server:
        cost = server.cost(OPERATIONS["Redis command"], "ours", 500)

    assert isinstance(cost, float)


def test_failure(capfd):
    """An operation that fails is named, and its traceback shown."""
    with Server(CpuTime()) as server, pytest.raises(RuntimeError, match="Redis command of none"):
        server.cost(OPERATIONS["Redis command"], "none", 1)

    assert "KeyError: 'none'" in capfd.readouterr().err


def test_kept():
    """The kept result has every operation, in instructions, and names no host and no path."""
    found = kept()

    assert found["unit"] == "instructions"
    assert {name: set(costs) for name, costs in found["costs"].items()} == {
        operation.name: set(operation.sides) for operation in OPERATIONS.values()
    }
    assert platform.node() not in KEPT.read_text()
    assert "/" not in str({**found["machine"], **machine()}).replace("N/A", "")
