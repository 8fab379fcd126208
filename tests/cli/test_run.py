import os
import pathlib
import stat
import subprocess
import sys

import pytest

from otel_flow.cli import main


OTEL_FLOW = [sys.executable, "-m", "otel_flow", "run"]


def run(*command, **environment):
    return subprocess.run(
        [*OTEL_FLOW, *command],
        env={**os.environ, "OTEL_SDK_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("separator", [(), ("--",)])
def test_runs_the_command_with_our_distro(separator):
    """The command runs under the wrapper with our distro and configurator chosen."""
    script = (
        "import os; print(os.environ['OTEL_PYTHON_DISTRO'], os.environ['OTEL_PYTHON_CONFIGURATOR'])"
    )

    result = run(*separator, sys.executable, "-c", script, OTEL_PYTHON_DISTRO="other")

    assert result.returncode == 0
    assert result.stdout == "otel_flow otel_flow\n"


def test_exit_code_is_the_commands():
    """The exit code is that of the command, which replaced us."""
    assert run("--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


def test_arguments_are_the_commands():
    """Options after the command are the command's, also those we know."""
    result = run(
        "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--help", "--", "-x"
    )

    assert result.stdout == "['--help', '--', '-x']\n"


def test_command_not_found(capsys):
    """A command that does not exist exits with 127 and a line that names it."""
    assert main(["run", "--", "no-such-command-here"]) == 127

    assert capsys.readouterr().err == "otel-flow: run: no-such-command-here: command not found\n"


@pytest.mark.parametrize("arguments", [["run"], ["run", "--"]])
def test_no_command(capsys, arguments):
    """Without a command, the message shows one."""
    assert main(arguments) == 127

    assert "otel-flow run -- uvicorn shop:app" in capsys.readouterr().err


def test_wrapper_not_found(capsys, monkeypatch, tmp_path):
    """Without the wrapper, the message says what to install."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["run", "true"]) == 127

    assert "pip install opentelemetry-instrumentation" in capsys.readouterr().err


def test_wrapper_that_cannot_run(capsys, monkeypatch, tmp_path):
    """A wrapper that cannot be executed exits with 126 and the reason."""
    wrapper = tmp_path / "opentelemetry-instrument"
    wrapper.write_text("#!/no/such/interpreter\n")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert main(["run", pathlib.Path("/bin/sh").as_posix()]) == 126

    assert "No such file" in capsys.readouterr().err
