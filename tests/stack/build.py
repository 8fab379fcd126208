"""
Build the native backends that the end-to-end tests and ``make stack`` run.

Every program is built from published Go modules by name and version, each in
a module of its own, into a cache outside the checkout.  The directory of a
program in the cache is named by a hash over its manifest and its recipe, so a
second run finds it and a changed manifest builds it anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from pathlib import Path


STACK = Path(__file__).resolve().parent
ROOT = STACK.parent.parent
MANIFESTS = STACK / "manifests"

GO_MINIMUM = (1, 26, 7)
PROGRESS_SECONDS = 30.0


class BackendMissingError(RuntimeError):
    """A native backend is neither in the cache nor can be built here."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One Go program (or several of one module) and how it is built."""

    name: str
    version: str
    manifest: Path
    binaries: tuple[str, ...]
    seconds: int
    """How long the build takes on two cores, for the progress line."""
    tags: str = ""
    version_variable: str = ""
    module_sum: str = ""
    """The module whose own ``go.sum`` must stand beside ``go.mod``: the
    checksum database lacks some of its dependencies."""

    @property
    def key(self) -> str:
        """The directory name in the cache."""
        recipe = "\n".join(
            (
                self.manifest.read_text(),
                self.version,
                *self.binaries,
                self.tags,
                self.version_variable,
                self.module_sum,
            )
        )
        return f"{self.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


COLLECTOR = Program(
    name="otelcol",
    version="0.158.0",
    manifest=ROOT / "collector" / "builder.yaml",
    binaries=("otelcol-flow",),
    seconds=660,
)
PROMETHEUS = Program(
    name="prometheus",
    version="3.16.0",
    manifest=MANIFESTS / "prometheus" / "go.mod",
    binaries=("prometheus", "promtool"),
    seconds=360,
    tags="remove_all_sd",
    version_variable="github.com/prometheus/common/version.Version",
)
JAEGER = Program(
    name="jaeger",
    version="2.13.0",
    manifest=MANIFESTS / "jaeger" / "go.mod",
    binaries=("jaeger",),
    seconds=340,
    version_variable="github.com/jaegertracing/jaeger/internal/version.latestVersion",
    module_sum="github.com/jaegertracing/jaeger@v1.76.0",
)
LOKI = Program(
    name="loki",
    version="3.7.8",
    manifest=MANIFESTS / "loki" / "go.mod",
    binaries=("loki", "logcli"),
    seconds=660,
    version_variable="github.com/grafana/loki/v3/pkg/util/build.Version",
)
PROGRAMS = (COLLECTOR, PROMETHEUS, JAEGER, LOKI)


def cache_directory() -> Path:
    """Where built backends are kept (``OTEL_FLOW_CACHE`` or the user's cache)."""
    base = os.environ.get("OTEL_FLOW_CACHE")
    if base:
        return Path(base)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "otel-flow"


def binary(program: Program, name: str | None = None) -> Path:
    """The path of a built binary; it may not exist yet."""
    return cache_directory() / "backends" / program.key / (name or program.binaries[0])


def is_built(program: Program) -> bool:
    """Whether every binary of *program* is in the cache."""
    return all(binary(program, name).is_file() for name in program.binaries)


def build(program: Program) -> Path:
    """
    Build *program* unless the cache has it; return its directory.

    The result appears under its final name in one rename: an interrupted build
    leaves nothing half-written, and of two builds at once the second waits.

    Raises:
        BackendMissingError: Go is missing, too old, or the build failed.
    """
    target = binary(program).parent
    if is_built(program):
        return target
    go = _require_go()
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{program.key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_built(program):
            return target
        with tempfile.TemporaryDirectory(prefix=f"{program.name}-", dir=target.parent) as directory:
            work = Path(directory)
            started = time.monotonic()
            _say(
                f"building {program.name} {program.version} (about {program.seconds} s on 2 cores)"
            )
            _build_in(program, work, go)
            (work / "bin").rename(target)
            _say(f"built {program.name} in {time.monotonic() - started:.0f} s")
    return target


def _build_in(program: Program, work: Path, go: str) -> None:
    if program is COLLECTOR:
        _build_collector(program, work, go)
        return
    shutil.copy(program.manifest, work / "go.mod")
    if program.module_sum:
        module = _run(program, work, [go, "mod", "download", "-json", program.module_sum])
        directory = next(line.split('"')[3] for line in module.splitlines() if '"Dir"' in line)
        shutil.copyfile(Path(directory) / "go.sum", work / "go.sum")
    flags = "-s -w"
    if program.version_variable:
        flags += f" -X {program.version_variable}={program.version}"
    command = [go, "build", "-trimpath", "-ldflags", flags]
    if program.tags:
        command += ["-tags", program.tags]
    (work / "bin").mkdir()
    _run(program, work, [*command, "-o", "bin/", "tool"])


def _build_collector(program: Program, work: Path, go: str) -> None:
    module = f"go.opentelemetry.io/collector/cmd/builder@v{program.version}"
    _run(program, work, [go, "install", module], GOBIN=str(work))
    shutil.copy(program.manifest, work / "builder.yaml")
    _run(
        program,
        work,
        [str(work / "builder"), "--config", "builder.yaml"],
        GOFLAGS="-mod=mod -trimpath",
    )
    (work / "bin").mkdir()
    for name in program.binaries:
        shutil.move(work / "_build" / name, work / "bin" / name)


def _run(program: Program, work: Path, command: list[str], **extra: str) -> str:
    environ = os.environ | {
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=mod",
        **extra,
    }
    log = work / "build.log"
    with log.open("a") as stderr:
        process = subprocess.Popen(
            command,
            cwd=work,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        output = _wait(program, process)
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        message = f"{program.name}: `{' '.join(command)}` failed:\n{output[-2000:]}{tail}"
        raise BackendMissingError(message)
    return output


def _wait(program: Program, process: subprocess.Popen[str]) -> str:
    """Wait for *process*, saying now and then that it goes on."""
    started = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=PROGRESS_SECONDS)[0]
        except subprocess.TimeoutExpired:
            _say(f"  {program.name}: {time.monotonic() - started:.0f} s …")


def _require_go() -> str:
    go = shutil.which("go")
    wanted = ".".join(map(str, GO_MINIMUM))
    if go is None:
        message = f"Go {wanted} or newer is needed to build the backends: https://go.dev/dl/"
        raise BackendMissingError(message)
    found = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=True
    ).stdout.strip()
    parts = found.removeprefix("go").split("-")[0].split(".")
    if tuple(int(part) for part in parts if part.isdigit()) < GO_MINIMUM:
        message = f"Go {wanted} or newer is needed to build the backends, found {found}"
        raise BackendMissingError(message)
    return go


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(argv: list[str] | None = None) -> int:
    """Build the named programs, or all of them; print their directories."""
    parser = argparse.ArgumentParser(prog="python tests/stack/build.py", description=main.__doc__)
    names = {program.name: program for program in PROGRAMS}
    parser.add_argument("program", nargs="*", choices=[[], *names], help="what to build")
    arguments = parser.parse_args(argv)
    try:
        for name in arguments.program or names:
            sys.stdout.write(f"{build(names[name])}\n")
    except BackendMissingError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
