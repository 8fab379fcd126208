import logging
import os
import subprocess
import sys
import threading

import pytest

from otel_flow.resource.detectors import detect
from tests.distributions import install


SOURCE = """
import threading

from opentelemetry.sdk.resources import Resource

gate = threading.Event()
started = threading.Barrier(2)


class Good:
    def detect(self):
        return Resource({"cloud.region": "here", "who": "good"})


class Better:
    def detect(self):
        return Resource({"who": "better"})


class Bad:
    def detect(self):
        raise SystemExit("no cloud")


class Odd:
    def detect(self):
        return {"cloud.region": "there"}


class Slow:
    def detect(self):
        gate.wait(60)
        return Resource({"slow": "yes"})


class Meeting:
    def detect(self):
        started.wait(20)
        return Resource({"met": "yes"})
"""
ENTRY_POINTS = """
[opentelemetry_resource_detector]
good = detecting:Good
better = detecting:Better
bad = detecting:Bad
odd = detecting:Odd
slow = detecting:Slow
one = detecting:Meeting
other = detecting:Meeting
missing = detecting:Missing
"""


@pytest.fixture(autouse=True)
def detecting(tmp_path, monkeypatch):
    """Install a distribution with detectors of every temper, and let no thread of theirs stay."""
    install(tmp_path, "detecting", modules={"detecting.py": SOURCE}, entry_points=ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "detecting", raising=False)
    module = __import__("detecting")
    yield module
    module.gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("otel-flow detector"):
            thread.join(20)
    monkeypatch.delitem(sys.modules, "detecting", raising=False)


def warnings(caplog):
    return [record.getMessage() for record in caplog.records]


def test_found_attributes():
    """The attributes of all detectors are merged; the later one wins."""
    assert detect(("good", "better"), timeout=20) == {"cloud.region": "here", "who": "better"}
    assert detect(("better", "good"), timeout=20) == {"cloud.region": "here", "who": "good"}


@pytest.mark.parametrize("name", ["bad", "odd", "missing"])
def test_failing_detector(name, caplog):
    """A detector that fails costs its own attributes and one warning that names it."""
    with caplog.at_level(logging.WARNING):
        found = detect((name, "good"), timeout=20)

    assert found["cloud.region"] == "here"
    assert len(warnings(caplog)) == 1
    assert warnings(caplog)[0].startswith(f"resource detector {name} failed: ")


def test_slow_detector(caplog):
    """A detector that is not done in time is left behind with one warning."""
    with caplog.at_level(logging.WARNING):
        found = detect(("slow", "good"), timeout=1)

    assert found == {"cloud.region": "here", "who": "good"}
    assert warnings(caplog) == ["resource detector slow was not done after 1 s"]


def test_side_by_side():
    """Detectors run at the same time: two that wait for each other are both done."""
    assert detect(("one", "other"), timeout=20) == {"met": "yes"}


def test_work_of_the_settings_is_not_done_twice():
    """The SDK's detectors of names and instance ids have nothing to add."""
    assert detect(("otel", "service_instance"), timeout=20) == {}
    assert detect((), timeout=0) == {}


def test_all_installed(caplog, detecting):
    """* runs every detector that is installed."""
    detecting.gate.set()
    with caplog.at_level(logging.WARNING):
        found = detect(("*",), timeout=20)

    assert found["slow"] == found["met"] == "yes"
    assert found["host.name"]
    assert "service.instance.id" not in found
    assert len(warnings(caplog)) == 3


def test_hanging_detector_does_not_keep_the_process(tmp_path):
    """A detector that never returns does not keep the process from ending."""
    script = (
        "from otel_flow.resource.detectors import detect\n"
        "print(detect(('slow', 'good'), timeout=0.5))\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert "slow" not in result.stdout
