"""Which installed distribution is running, read off the command line."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import re
import sys

from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


LAUNCHERS = frozenset(
    {
        "celery",
        "daphne",
        "fastapi",
        "flask",
        "granian",
        "gunicorn",
        "hypercorn",
        "ipython",
        "jupyter",
        "jupyter-lab",
        "jupyter-notebook",
        "opentelemetry-instrument",
        "otel-flow",
        "otel_flow",
        "pip",
        "py.test",
        "pytest",
        "uvicorn",
        "uvicorn_worker",
    }
)
"""Programs that run somebody else's code: their own name would say nothing."""

_APP = re.compile(r"[A-Za-z_][\w.]*(?=:[A-Za-z_])")
"""``shop.main`` of ``shop.main:app``."""

_OPTIONS_WITH_VALUE = {"-W", "-X", "--check-hash-based-pycs"}
_ANCESTORS = 3
_PROC = pathlib.Path("/proc")


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """Name and version of a distribution."""

    name: str
    version: str


def running_application(command: Sequence[str] | None = None) -> Application | None:
    """
    Return the distribution that *command* runs, by default this process's; None if unknown.

    ``shop-serve`` and ``python -m shop`` run the distribution that has the script or
    module, ``uvicorn shop:app`` and ``celery -A shop worker`` the one that has ``shop``.
    """
    program, arguments = _program(_own_command() if command is None else command)
    name = pathlib.Path(program).name
    if name.partition(".")[0] in LAUNCHERS or name in LAUNCHERS:
        module = _launched(arguments)
        found = _owner_of_module(module) if module else None
    elif "/" in program or "\\" in program:
        found = _owner_of_script(pathlib.Path(program))
    else:
        found = _owner_of_module(program) if program else None
    return Application(found.name, found.version) if found else None


def _own_command() -> Sequence[str]:
    """
    Return the command line of this process.

    A child of multiprocessing runs for the process that started it, so that workers
    and their parent have one name.
    """
    command: Sequence[str] = sys.orig_argv
    pid = "self"
    for _ in range(_ANCESTORS):
        if not any("from multiprocessing" in argument for argument in command):
            break
        pid = _parent(pid)
        command = _command_of(pid)
    return command


def _parent(pid: str) -> str:
    """Return the id of a process's parent, nothing where it cannot be read."""
    try:
        status = (_PROC / pid / "status").read_text()
    except OSError:
        return ""
    found = re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)
    return found[1] if found else ""


def _command_of(pid: str) -> list[str]:
    try:
        text = (_PROC / pid / "cmdline").read_text(errors="replace") if pid else ""
    except OSError:
        return []
    return text.split("\0")[:-1]


def _program(command: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return what the interpreter runs, a path or the name of a module, and its arguments."""
    rest = list(command[1:])
    while rest:
        argument = rest.pop(0)
        if argument in _OPTIONS_WITH_VALUE:
            del rest[:1]
        elif argument == "-m":
            return (rest[0], rest[1:]) if rest else ("", ())
        elif argument == "-c":
            return "", ()
        elif not argument.startswith("-"):
            return str(pathlib.Path(argument).absolute()), rest
    return "", ()


def _launched(arguments: Sequence[str]) -> str | None:
    """Return the module that a launcher was given: ``shop:app``, ``-A shop``, ``--app=shop``."""
    for argument, following in itertools.pairwise([*arguments, ""]):
        if argument in {"-A", "--app"}:
            return following.partition(":")[0]
        if argument.startswith("--app="):
            return argument.removeprefix("--app=").partition(":")[0]
        if found := _APP.match(argument):
            return found[0]
    return None


def _owner_of_script(path: pathlib.Path) -> Distribution | None:
    """Return the distribution whose console script *path* is."""
    if path.parent.resolve() != pathlib.Path(sys.executable).parent.resolve():
        return None
    found = entry_points(group="console_scripts", name=path.name)
    return next((entry_point.dist for entry_point in found if entry_point.dist), None)


def _owner_of_module(module: str) -> Distribution | None:
    """Return the distribution that *module* belongs to."""
    package = module.partition(".")[0]
    try:
        return distribution(package)
    except (PackageNotFoundError, ValueError):
        return next(_owners(package, Distribution.discover()), None)


def _owners(package: str, installed: Iterable[Distribution]) -> Iterator[Distribution]:
    for candidate in installed:
        record = candidate.read_text("RECORD") or ""
        lines = (f"\n{package}/__init__.py,", f"\n{package}.py,")
        if any(line in f"\n{record}" for line in lines) or _is_editable(candidate, package):
            yield candidate


def _is_editable(candidate: Distribution, package: str) -> bool:
    """Return whether *package* lies in the folder that *candidate* is installed from."""
    url = json.loads(candidate.read_text("direct_url.json") or "{}").get("url", "")
    if not url.startswith("file://"):
        return False
    folder = pathlib.Path(unquote(urlsplit(url).path))
    return any((folder / inside / package).is_dir() for inside in (".", "src"))
