"""
``make pythons``: the tests on every Python from 3.11 that is found on this machine.

Each gets an environment of its own beside the checkout's (``.venv-3.12``), from the
same lock file. Arguments are handed on to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])))"


def candidates() -> list[str]:
    """Interpreters on PATH and those that pyenv and uv have installed."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 10)]
    found = [path for name in ("python3", *names) if (path := shutil.which(name))]
    for pattern in (
        ".pyenv/versions/3.*/bin/python3",
        ".local/share/uv/python/cpython-3.*/bin/python3",
    ):
        found += map(str, sorted(Path.home().glob(pattern)))
    return [sys.executable, *found]


def interpreters() -> dict[str, str]:
    """One interpreter a version; a name that does not run is none."""
    found: dict[str, str] = {}
    for path in candidates():
        done = subprocess.run([path, "-c", VERSION], capture_output=True, text=True, check=False)
        version = done.stdout.strip()
        if done.returncode == 0 and tuple(map(int, version.split("."))) >= OLDEST:
            found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def environment(version: str, interpreter: str) -> Path:
    """The interpreter of the environment for *version*, made unless it is up to date."""
    if interpreter == sys.executable:
        return Path(sys.executable)
    folder = ROOT / f".venv-{version}"
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = [ROOT / "requirements.lock", ROOT / "pyproject.toml"]
    if stamp.exists() and all(stamp.stat().st_mtime > path.stat().st_mtime for path in wanted):
        return python
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([interpreter, "-m", "venv", "--clear", folder])
    run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"])
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT])
    stamp.touch()
    return python


def run(command: list[object]) -> None:
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT)


def main(arguments: list[str]) -> int:
    """Run the tests on each and print a line a version; fail if any does."""
    outcomes = {}
    for version, interpreter in interpreters().items():
        sys.stdout.write(f"Python {version} ({interpreter})\n")
        sys.stdout.flush()
        python = environment(version, interpreter)
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False)
        outcomes[version] = done.returncode
    for version, code in outcomes.items():
        sys.stdout.write(f"Python {version}: {'passed' if code == 0 else f'failed ({code})'}\n")
    return max(outcomes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
