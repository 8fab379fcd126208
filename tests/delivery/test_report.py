"""What the engine says on stderr: at once, then seldom, and what an outage has cost."""

import time

import pytest

from otel_flow.delivery import report as reports
from otel_flow.delivery.report import Report
from tests.delivery.backend import until


@pytest.fixture
def woken():
    return []


@pytest.fixture
def report(woken):
    return Report("traces", "http://user:pw@collector:4318", wake=lambda: woken.append(1))


@pytest.fixture
def said(capsys):
    """Return the lines since the last call."""

    def said():
        return capsys.readouterr().err.splitlines()

    return said


def test_an_outage_is_said_once_a_minute(report, said):
    """Of a thousand failed attempts in a minute the first is told, and the endpoint's user is not."""
    for _ in range(1000):
        report.failed("refused", waiting=5, lost=0)

    (line,) = said()
    assert line.startswith("otel_flow.delivery: traces to http://")
    assert line.endswith("@collector:4318 fail (refused); 5 wait")
    assert "pw" not in line


def test_each_minute_has_its_summary(report, said, monkeypatch):
    """When the minute is over, the next attempt tells how things stand."""
    monkeypatch.setattr(reports, "_SUMMARY_SECONDS", 0.0)
    report.failed("refused", waiting=5, lost=10)
    report.failed("refused", waiting=9, lost=13)

    assert said()[1].endswith("fail (refused); 9 wait, 3 dropped since")


def test_losses_within_a_minute_are_summed(report, said, woken):
    """After the first loss, those of the minute are told together when it is over, unasked."""
    report.dropped("HTTP 400", 1)
    for _ in range(100):
        report.dropped("HTTP 400", 2)
    report.dropped("too_large", 1)

    assert len(said()) == 1
    assert len(woken) == 1
    later = report.summarise(time.monotonic())
    assert later is not None
    assert 50 < later - time.monotonic() <= 60
    assert said() == []
    report._quiet_until = 0.0
    assert report.summarise(time.monotonic()) is None
    (line,) = said()
    assert line.endswith("dropped: 200 (HTTP 400), 1 (too_large)")
    assert report.summarise(time.monotonic() + 100) is None


def test_recovery_tells_what_was_lost(report, said):
    """The end of an outage is one line with its length and its cost; without one it is none."""
    report.failed("refused", waiting=5, lost=10)
    report.recovered(lost=13)
    report.recovered(lost=13)

    lines = said()
    assert len(lines) == 2
    assert "work again after 0.0 s; 3 lost" in lines[1]


def test_a_new_outage_is_said_at_once(report, said):
    """What fails again after a recovery does not wait for the end of the minute."""
    for _ in range(2):
        report.failed("refused", waiting=5, lost=0)
        report.recovered(lost=0)

    assert len(said()) == 4


def test_the_engine_says_what_waited(backend, base, build, said, monkeypatch):
    """Losses that were not told at once are told by the engine, though nothing else happens."""
    monkeypatch.setattr(reports, "_SUMMARY_SECONDS", 0.3)
    backend.refuse = lambda _: {"status": 400}
    flow = build(base, delay=0.01, metrics_exporters=(), logs_exporters=())
    lines = []
    for number in range(3):
        flow.span()
        until(lambda n=number: flow.numbers("traces").dropped.get("HTTP 400") == n + 1)

    def told():
        lines.extend(said())
        drops = [line.rpartition("dropped: ")[2] for line in lines if "dropped: " in line]
        return sum(int(drop.split()[0]) for drop in drops) == 3

    until(told)
