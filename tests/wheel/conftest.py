"""
The wheel, built from the checkout by way of the source distribution, and an empty environment.

What the wheel needs is downloaded once per lock file into the cache of otel-flow; the
environment is made anew for each session from that, without asking an index.
"""

import dataclasses
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tomllib

from pathlib import Path

import pytest

from tests.stack.build import ROOT, cache_directory


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
BESIDE = "opentelemetry-distro"


def run(*command, **options):
    # Variables of the running interpreter would lead the other one astray.
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "OTEL_", "COVERAGE_"))
    } | options.pop("environ", {})
    return subprocess.run(
        list(map(str, command)),
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def require(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the source distribution and the wheel made from it."""
    folder = tmp_path_factory.mktemp("dist")
    require(run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT))
    return folder


@pytest.fixture(scope="session")
def wheel(built):
    (found,) = built.glob("*.whl")
    return found


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtual environment and where its packages came from."""

    folder: Path
    wheelhouse: Path

    def script(self, name):
        return self.folder / "bin" / name

    def run(self, name, *arguments, **environ):
        return run(self.script(name), *arguments, environ=environ, cwd=self.folder)

    def install(self, *arguments):
        offline = ("--no-index", "--find-links", self.wheelhouse)
        require(self.run("python", "-m", "pip", "install", "-q", *offline, *arguments))


@pytest.fixture(scope="session")
def empty_environment(wheel, tmp_path_factory):
    """An environment with nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    require(run(sys.executable, "-m", "venv", folder))
    environment = Environment(folder, wheelhouse(folder / "bin" / "python"))
    environment.install(wheel)
    return environment


def wheelhouse(python):
    """The folder with the locked wheels of the core's dependencies, filled once."""
    pins = dict(PIN.findall((ROOT / "requirements.lock").read_text()))
    constraints = "\n".join(f"{name}=={version}" for name, version in pins.items())
    wanted = [*PROJECT["dependencies"], BESIDE]
    made_from = "\n".join((sys.version, constraints, *wanted))
    folder = cache_directory() / "wheels" / hashlib.sha256(made_from.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            (folder / "constraints.txt").write_text(constraints)
            require(
                run(
                    *(python, "-m", "pip", "download", "--quiet", "--dest", folder),
                    *("--constraint", folder / "constraints.txt", *wanted),
                )
            )
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def other_distribution(empty_environment, tmp_path_factory):
    """A folder with `opentelemetry-distro`, to be put on the path beside the wheel."""
    folder = tmp_path_factory.mktemp("beside")
    empty_environment.install("--no-deps", "--target", folder, BESIDE)
    return folder
