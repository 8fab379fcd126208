"""The private parts of the SDK that we use: without one of them telemetry is upstream's, and arrives."""

import os
import re
import subprocess
import sys

from pathlib import Path

import opentelemetry.sdk
import pytest


ROOT = Path(__file__).parents[2]
UPSTREAM = Path(opentelemetry.sdk.__path__[0]).parent
NAME = re.compile(r"(?<![\w.])_[a-zA-Z]\w*|(?<=\.)_[a-zA-Z]\w*")
OWN = re.compile(
    r"(?:def|class) (_\w+)|^(_\w+)\b[^=\n]*=(?!=)|self\.(_\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE
)
SPARED = ["_SUPPRESS_INSTRUMENTATION_KEY", "_current_context"]
"""Without which all goes on as before, and nothing is said."""
EVERY_RUN = ["_measurement_consumer", "_tracers", "_links", *SPARED]


def read(folder, pattern):
    return {file: file.read_text() for file in folder.glob(pattern)}


def seams():
    """Return the private names of the SDK and the API that a module of ours uses and does not define."""
    theirs = set()
    for part in ("sdk", "trace", "metrics", "context", "attributes", "util"):
        for text in read(UPSTREAM, f"{part}/**/*.py").values():
            theirs |= set(NAME.findall(text))
    ours = set()
    for file, text in read(ROOT / "otel_flow", "**/*.py").items():
        if "demo" not in file.parts:
            own = {name for found in OWN.findall(text) for name in found}
            ours |= set(NAME.findall(text)) - own
    modules = {file.stem for file in UPSTREAM.rglob("*.py")} | {"_logs", "_internal"}
    return sorted((ours & theirs) - modules)


def check(receiver, name, python=sys.executable):
    """Run a program with *name* renamed in the SDK, see all it records arrive, and return what it says."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.providers.renamed_program", name],
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "is not as expected" in line]

    assert done.returncode == 0, done.stderr[-4000:]
    assert sorted(s.name for s in receiver.spans()) == ["child", "inner", "inner", "parent"]
    assert len(receiver.records()) == 4
    assert {"work.done", "work.time", "work.waiting"} <= receiver.metric_names()
    return said


def test_nothing_is_missing_in_the_sdk_that_is_pinned(receiver):
    """With all seams in place nothing is said."""
    assert check(receiver, "_no_such_name") == []


@pytest.mark.parametrize("name", EVERY_RUN)
def test_a_missing_seam_costs_no_signal(receiver, name):
    """Where the SDK calls a private part otherwise, all arrives, also from a child, and it is said."""
    assert name in seams()
    said = check(receiver, name)

    assert len(said) <= 2
    assert bool(said) == (name not in SPARED)


@pytest.mark.fidelity
@pytest.mark.parametrize("name", seams())
def test_no_missing_seam_costs_a_signal(receiver, name):
    """The same for each private name of the SDK that our source knows."""
    assert len(check(receiver, name)) <= 2
