import json
import os
import subprocess
import sys

import pytest

from otel_flow.cli import main
from otel_flow.settings import Settings
from otel_flow.settings.describe import describe


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """Start every test without a variable that means something."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "K8S_", "KUBERNETES_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def columns(line):
    return line.split()[:3]


def test_table(capsys, monkeypatch):
    """Every setting is printed with its value and where it comes from, in aligned columns."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")

    assert main(["env"]) == 0

    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["SETTING", "VALUE", "FROM", "VARIABLE"]
    assert columns(lines[0]) == ["service_name", "shop", "OTEL_SERVICE_NAME"]
    assert [columns(line)[0] for line in lines] == [row.setting for row in describe(Settings())]
    assert all(line[header.index("VALUE") - 1] == " " for line in lines)


def test_changed(capsys, monkeypatch):
    """--changed leaves the defaults out."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "250")

    assert main(["env", "--changed"]) == 0

    assert "span_batch.schedule_delay  0.25 s" in capsys.readouterr().out
    assert main(["env", "--changed", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["settings"]) == 1


def test_json(capsys, monkeypatch):
    """--json prints the same rows for programs."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=geheim")

    assert main(["env", "--json"]) == 0

    text = capsys.readouterr().out
    rows = {row["setting"]: row for row in json.loads(text)["settings"]}
    assert rows["otlp_logs.headers"]["value"] == {"authorization": "***"}
    assert rows["otlp_logs.headers"]["source"] == "OTEL_EXPORTER_OTLP_HEADERS"
    assert "geheim" not in text


def test_warnings(capsys, monkeypatch):
    """Doubts go to stderr, and the exit code stays 0."""
    monkeypatch.setenv("OTEL_FLOW_LOG_FROMAT", "json")

    assert main(["env"]) == 0

    assert "warning: OTEL_FLOW_LOG_FROMAT is not known; did you mean" in capsys.readouterr().err


def test_problems(capsys, monkeypatch):
    """A wrong configuration exits with 2 and lists everything that is wrong."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "dice")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "-1")

    assert main(["env"]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2 configuration problems" in captured.err
    assert "OTEL_TRACES_SAMPLER=dice" in captured.err
    assert "OTEL_BSP_SCHEDULE_DELAY=-1" in captured.err


def test_problems_as_json(capsys, monkeypatch):
    """With --json, problems are data on stdout."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "dice")

    assert main(["env", "--json"]) == 2

    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["name"] == "OTEL_TRACES_SAMPLER"
    assert problem["value"] == "dice"


@pytest.mark.parametrize("command", ["env", "run"])
def test_help_has_examples(capsys, command):
    """The help of each command shows how it is called."""
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])

    assert caught.value.code == 0
    assert f"examples:\n  otel-flow {command}" in capsys.readouterr().out


def test_version(capsys):
    """--version names our version, the SDK's and Python's."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert "opentelemetry-sdk" in capsys.readouterr().out


def test_no_command(capsys):
    """Without a command, the help is printed and the exit code is 2."""
    assert main([]) == 2

    assert "print every setting" in capsys.readouterr().out


def test_unknown_command(capsys):
    """An unknown command exits with 2 and names those there are."""
    with pytest.raises(SystemExit) as caught:
        main(["enf"])

    assert caught.value.code == 2
    assert "'env'" in capsys.readouterr().err


def test_module():
    """python -m otel_flow is otel-flow."""
    result = subprocess.run(
        [sys.executable, "-m", "otel_flow", "env"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0
    assert result.stdout.startswith("SETTING")


def test_reader_that_goes_away():
    """A reader that closes the pipe ends the command without a traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "otel_flow", "env"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()

    assert process.returncode == 141
    assert errors == b""
