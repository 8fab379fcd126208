"""The published list through every signal: what a Collector, files and consoles got of it."""

import json
import os
import subprocess
import sys

from pathlib import Path
from urllib.parse import quote

import pytest

from otel_flow.cli import main
from tests.redaction.canaries import LIST, canaries, survivors
from tests.redaction.collector import writing_collector


PROGRAM = Path(__file__).with_name("push.py")
CORES = sorted({canary.core for canary in canaries()})
ARGUMENT = "hk29dkWq81mz"


def found(text):
    """The secrets of the list that *text* holds."""
    return [core for core in CORES if core in text]


@pytest.fixture(scope="module", params=["ours", "own"])
def pushed(request, backends, tmp_path_factory):
    """What there is to read after the list was pushed, with our log chain and an app's own."""
    directory = tmp_path_factory.mktemp("canaries")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with writing_collector(directory) as endpoint:
        done = subprocess.run(
            [sys.executable, PROGRAM, request.param, "--api-token", ARGUMENT],
            env={
                **clean,
                "PYTHONPATH": str(PROGRAM.parents[2]),
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_TRACES_EXPORTER": "otlp,console",
                "OTEL_FLOW_CARDINALITY_LIMIT": "10000",
                "OTEL_FLOW_SHUTDOWN_TIMEOUT": "30000",
                "OTEL_RESOURCE_ATTRIBUTES": ",".join(
                    f"note.{number}={quote(''.join(entry['secret']), safe='')}"
                    for number, entry in enumerate(LIST["shapes"])
                ),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    files = {
        name: (directory / f"{name}.json").read_text() for name in ("traces", "metrics", "logs")
    }
    return {**files, "stdout": done.stdout, "stderr": done.stderr, "code": done.returncode}


@pytest.mark.stack
@pytest.mark.parametrize("where", ["traces", "metrics", "logs", "stdout", "stderr"])
def test_no_secret_arrives(pushed, where):
    """Nothing of the list is in what the Collector received, in lines, consoles or a scrape."""
    assert pushed["code"] == 0, pushed["stderr"]
    assert found(pushed[where]) == []
    assert ARGUMENT not in pushed[where]


def values_of(line):
    """Every text and number in one line of the Collector's file."""
    for attribute in line:
        yield from attribute["value"].values()


@pytest.mark.stack
def test_everything_else_arrives(pushed):
    """Each canary has its span, and each look-alike its value in a span."""
    spans = [
        span
        for line in pushed["traces"].splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    seen = {str(value) for span in spans for value in values_of(span["attributes"])}

    assert len(spans) == len(canaries()) + len(survivors())
    assert {str(value) for _, value in survivors()} <= seen | {"True", "False"}


@pytest.mark.stack
def test_lines_are_written_and_marked(pushed):
    """Log lines show that something was there: an event a push, each of them marked."""
    lines = [line for line in pushed["stdout"].splitlines() if '"note=' in line]

    assert len(lines) > len(canaries())
    assert sum("REDACTED" in line for line in lines) > len(canaries())


def test_env_shows_none(monkeypatch, capsys):
    """``otel-flow env`` shows no secret of the list, whichever free text it was put into."""
    secrets = ["".join(entry["secret"]) for entry in LIST["shapes"]]
    attributes = ",".join(f"note.{n}={quote(text, safe='')}" for n, text in enumerate(secrets))
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", attributes)
    monkeypatch.setenv("OTEL_PROPAGATORS", secrets[0])
    shown = ""
    for secret in secrets:
        monkeypatch.setenv("OTEL_SERVICE_NAME", secret)
        monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", quote(secret, safe=""))
        for arguments in (["env"], ["env", "--json"]):
            main(arguments)
            shown += "".join(capsys.readouterr())
    monkeypatch.delenv("OTEL_PROPAGATORS")
    main(["env"])
    shown += "".join(capsys.readouterr())

    assert found(shown) == []
