"""Versions: of Python, of ours and of OpenTelemetry's packages, and combinations known to be bad."""

from __future__ import annotations

import platform
import re
import sys

from importlib.metadata import PackageNotFoundError, distributions, metadata, version
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from otel_flow.doctor.finding import note, ok, problem, warning
from otel_flow.names.distribution import NAME, own_version
from otel_flow.providers import seams


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.doctor.finding import Finding


_SDK = "opentelemetry-sdk"
_TRAIN_OFFSET = 21
"""Release 1.N of the SDK and 0.(N + 21) of contrib are one train; 1.45 and 0.66."""

AGENTS = ("ddtrace", "newrelic", "elastic-apm", "scout-apm", "appsignal", "instana", "logfire")
"""Distributions that instrument the same libraries on their own."""


def check() -> Iterator[Finding]:
    """Yield what is to be said about versions."""
    yield from _python()
    yield ok("versions.opentelemetry", f"{_SDK} {version(_SDK)}, {NAME} {own_version()}")
    installed = _installed()
    for name in sorted(installed):
        if name == NAME or name.startswith("opentelemetry-"):
            yield from _requirements(installed[name], installed)
    yield from _trains(installed)
    for name in AGENTS:
        if name in installed:
            yield warning(
                "versions.agent",
                f"{name} {installed[name].version} is installed, and instruments the same libraries",
                f"run a service under one of them only: with both, calls are wrapped twice; "
                f"pip uninstall {name} if it is not used",
                subject=name,
            )
    yield from _seams()


def _python() -> Iterator[Finding]:
    running = f"{platform.python_implementation()} {platform.python_version()}"
    tested = _tested_pythons()
    if not tested or f"{sys.version_info.major}.{sys.version_info.minor}" in tested:
        yield ok("versions.python", running)
    else:
        yield note(
            "versions.python",
            f"{running} is none of the versions that {NAME} was tested with: {', '.join(tested)}",
            "nothing is known to fail; use one of those if something does",
        )


def _tested_pythons() -> list[str]:
    try:
        classifiers = metadata(NAME).get_all("Classifier") or []
    except PackageNotFoundError:
        return []
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c) for c in classifiers)
    return [match[1] for match in found if match]


class _Package(NamedTuple):
    """What is read of a distribution, once: each access to its metadata parses them anew."""

    name: str
    version: str
    requires: tuple[str, ...]


def _installed() -> dict[str, _Package]:
    """Return what is installed by canonical name; what comes first on the path is what counts."""
    found: dict[str, _Package] = {}
    for dist in distributions():
        about = dist.metadata
        if name := about["Name"]:
            requires = tuple(about.get_all("Requires-Dist") or ())
            found.setdefault(_canonical(name), _Package(name, about["Version"], requires))
    return found


def _requirements(package: _Package, installed: dict[str, _Package]) -> Iterator[Finding]:
    """Yield what *package* requires in another version than the one there is."""
    for text in package.requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        there = installed.get(_canonical(wanted.name))
        has = there.version if there else None
        if has is None or not wanted.specifier.contains(has, prereleases=True):
            bare = f"{wanted.name}{wanted.specifier}"
            yield problem(
                "versions.requirement",
                f"{package.name} {package.version} requires {bare}, {has or 'nothing'} is installed",
                f'pip install --upgrade {NAME} {package.name} "{bare}"',
                subject=package.name,
            )


def _trains(installed: dict[str, _Package]) -> Iterator[Finding]:
    """Yield contrib's packages of another release than the SDK's."""
    sdk = re.match(r"1\.(\d+)\.(\d+)", version(_SDK))
    if sdk is None:
        return
    expected = int(sdk[1]) + _TRAIN_OFFSET
    for name in sorted(installed):
        found = re.match(r"0\.(\d+)b", installed[name].version)
        # Packages with a count of their own are still at its beginning.
        if not found or not name.startswith("opentelemetry-") or int(found[1]) <= _TRAIN_OFFSET:
            continue
        if int(found[1]) != expected:
            yield warning(
                "versions.train",
                f"{name} {installed[name].version} is of another release than {_SDK} {sdk[0]}",
                f'pip install "{name}==0.{expected}b{sdk[2]}"',
                subject=name,
            )


def _seams() -> Iterator[Finding]:
    """Try the SDK's private parts; what is missing is logged there, and told as heard."""
    if seams.metric_path() is not None and seams.span_path() is not None:
        yield ok("versions.seams", f"{_SDK} carries the short paths of spans and metrics")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
