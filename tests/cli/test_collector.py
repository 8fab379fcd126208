"""`otel-flow collector` as it is typed."""

import json
import subprocess
import sys

import pytest
import yaml

from otel_flow.cli import main
from otel_flow.collector_config import base_file
from tests.stack.build import COLLECTOR, ROOT, binary


@pytest.fixture(autouse=True)
def no_collector_on_the_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_init_writes_everything_that_compose_mounts(tmp_path, capsys):
    """The directory holds the same files as the repository, and each is named."""
    target = tmp_path / "new" / "place"

    assert main(["collector", "init", str(target)]) == 0

    written = capsys.readouterr().out.splitlines()
    names = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    tracked = {
        str(path.relative_to(ROOT)) for path in (ROOT / "collector").rglob("*") if path.is_file()
    }
    assert names == tracked | {"docker-compose.yml"}
    assert written == [str(target / name) for name in sorted(names, key=order)]
    assert all((target / name).read_bytes() == (ROOT / name).read_bytes() for name in names)


def order(name):
    return (name != "docker-compose.yml", name)


def test_init_overwrites_nothing_unasked(tmp_path, capsys):
    """A file that differs stops everything; --force overwrites it; equal files are left alone."""
    main(["collector", "init", str(tmp_path)])
    changed = tmp_path / "collector" / "otelcol" / "base.yaml"
    changed.write_text("mine")
    (tmp_path / "docker-compose.yml").unlink()
    capsys.readouterr()

    assert main(["collector", "init", str(tmp_path)]) == 1

    message = f"otel-flow: collector init: would overwrite {changed}; --force does\n"
    assert capsys.readouterr().err == message
    assert changed.read_text() == "mine"
    assert not (tmp_path / "docker-compose.yml").exists()
    assert main(["collector", "init", str(tmp_path), "--force"]) == 0
    assert changed.read_bytes() == base_file().read_bytes()
    assert main(["collector", "init", str(tmp_path)]) == 0
    assert "up to date" in capsys.readouterr().err


def test_init_into_a_file_is_one_line(tmp_path, capsys):
    """A directory that cannot be made is an error of one line."""
    (tmp_path / "file").write_text("")

    assert main(["collector", "init", str(tmp_path / "file")]) == 1

    assert capsys.readouterr().err.count("\n") == 1


def test_config_prints_what_is_in_effect(capsys, monkeypatch, tmp_path):
    """Files are merged, variables filled in, secrets masked, as YAML or JSON."""
    more = tmp_path / "more.yaml"
    more.write_text("exporters: {otlp_http/loki: {headers: {authorization: secret}}}")
    monkeypatch.setenv("LOKI_ENDPOINT", "http://loki.example")
    command = ["collector", "config", str(base_file()), str(more)]

    assert main(command) == 0
    as_yaml = yaml.safe_load(capsys.readouterr().out)
    assert main([*command, "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)

    assert as_yaml == as_json
    loki = as_yaml["exporters"]["otlp_http/loki"]
    assert loki["endpoint"] == "http://loki.example/otlp"
    assert loki["headers"] == {"authorization": "***"}


def test_config_names_variables_without_a_value(capsys, tmp_path):
    """A variable that is not set and has no default is a warning on stderr."""
    file = tmp_path / "a.yaml"
    file.write_text("a: ${env:OTEL_FLOW_TEST_NOT_SET}")

    assert main(["collector", "config", str(file)]) == 0

    message = "otel-flow: warning: ${env:OTEL_FLOW_TEST_NOT_SET} is not set\n"
    assert capsys.readouterr().err == message


def test_check_without_a_collector_says_what_it_looked_at(capsys):
    """The packaged configuration passes, and the answer says that only its structure was seen."""
    assert main(["collector", "check"]) == 0

    assert capsys.readouterr().out == "ok (its structure only: no Collector on PATH)\n"


def test_check_finds_mistakes(capsys, tmp_path):
    """A mistake is one line on stderr and exit code 1."""
    more = tmp_path / "more.yaml"
    more.write_text("service: {pipelines: {logs: {exporters: [nowhere]}}}")

    assert main(["collector", "check", str(base_file()), str(more)]) == 1

    output = capsys.readouterr()
    assert "error: service.pipelines.logs.exporters: nowhere is not defined\n" in output.err
    assert output.out == ""


@pytest.mark.stack
def test_check_asks_a_collector(backends, capsys, tmp_path):
    """--binary names the Collector that validates, and the answer names it."""
    collector = str(binary(COLLECTOR))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("receivers: {otlp: {protocol: {}}}")

    assert main(["collector", "check", "--binary", collector]) == 0
    assert capsys.readouterr().out == f"ok ({collector})\n"
    assert main(["collector", "check", "--binary", collector, str(base_file()), str(wrong)]) == 1
    assert "protocol" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check", "no-such.yaml"], "no-such.yaml"),
        (["check", "--binary", "/no/such/collector"], "/no/such/collector"),
    ],
)
def test_what_is_not_there_is_named(arguments, expected, capsys):
    """A missing file or program is an error of one line that names it."""
    assert main(["collector", *arguments]) == 1

    output = capsys.readouterr().err
    assert (output.count("\n"), expected in output) == (1, True)


def test_without_an_action_it_is_called_wrongly(capsys):
    """The command alone says what actions there are."""
    with pytest.raises(SystemExit) as exit_:
        main(["collector"])

    assert exit_.value.code == 2


def test_help_has_examples(capsys):
    """--help shows how the command is used."""
    with pytest.raises(SystemExit):
        main(["collector", "--help"])

    assert "docker compose up -d" in capsys.readouterr().out


def test_a_missing_yaml_is_named_with_the_command_that_installs_it(monkeypatch, capsys):
    """Without PyYAML the message says how to get it."""
    monkeypatch.setitem(sys.modules, "yaml", None)

    assert main(["collector", "config"]) == 2

    assert 'pip install "otel-flow[collector]"' in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error():
    """`otel-flow collector config | head -1` writes nothing on stderr."""
    done = subprocess.run(
        f"{sys.executable} -m otel_flow collector config | /bin/true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
