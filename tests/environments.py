"""
Environments with other versions of libraries than the one that the tests run in.

An environment is a venv with the requirements asked for; whatever they do not bring is
imported from the environment that runs the tests. It is built once, in the cache of
otel-flow outside the checkout, and named by the hash of what it was made from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig

from pathlib import Path


def cache() -> Path:
    """The folder of otel-flow's own that survives the checkout."""
    if own := os.environ.get("OTEL_FLOW_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "otel-flow"


def environment(*requirements: str, alone: bool = False) -> Path:
    """The interpreter of an environment with *requirements*, *alone* with nothing besides."""
    outer = "" if alone else sysconfig.get_path("purelib")
    made_from = "\n".join((sys.version, outer, *sorted(requirements)))
    name = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    folder = cache() / "environments" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _build(folder, requirements, outer)
    return folder / "bin" / "python"


def _build(folder: Path, requirements: tuple[str, ...], outer: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    (inner,) = folder.glob("lib/python*/site-packages")
    # addsitedir, not a bare path: the outer environment may hold editable projects. It
    # appends, so what stands in the inner one wins.
    if outer:
        (inner / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    (folder / "complete").write_text("\n".join(requirements))


def _run(*command: object) -> None:
    # The variables of the running interpreter would lead the other one astray.
    environ = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environ, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def run_tests(*paths: str, requirements: tuple[str, ...]) -> str | None:
    """What the tests in *paths* print with *requirements* where they fail; None where they pass."""
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [
            *(environment(*requirements), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            # Older versions have deprecations of their own.
            *("-W", "default"),
            *paths,
        ],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    return done.stdout[-4000:] if done.returncode else None
