"""Which libraries are installed, and what instruments them under ``opentelemetry-instrument``."""

from __future__ import annotations

import importlib

from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts
from packaging.requirements import InvalidRequirement, Requirement

from otel_flow.doctor.finding import note, ok, problem, warning
from otel_flow.instrumentation.libraries import LIBRARIES, REPLACED, is_disabled
from otel_flow.names.environment import DISABLED_INSTRUMENTATIONS, ENTRY_POINT


if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from otel_flow.doctor.finding import Finding
    from otel_flow.instrumentation.libraries import Library
    from otel_flow.settings import Settings


_DOUBLING = {"logging": "LoggingInstrumentor", "structlog": "StructlogInstrumentor"}
"""Contrib's instrumentors that record what our log chain records, by their entry points."""

_CONTRIB = "opentelemetry-instrumentation-"

_TOOLS = frozenset(
    {"asgiref", "asyncclick", "click", "grpcio", "jinja2", "psutil", "pydantic", "urllib3"}
)
"""Libraries that nearly everything brings along; nobody misses their spans."""


def check(settings: Settings) -> Iterator[Finding]:
    """Yield each library: instrumented by us, by contrib, or by nobody."""
    disabled = settings.disabled_instrumentations
    for library in LIBRARIES:
        if library.is_installed():
            yield _own(library, disabled)
    for entry_point in sorted(entry_points(group="opentelemetry_instrumentor")):
        if not entry_point.value.startswith(f"{ENTRY_POINT}."):
            yield from _contrib(entry_point, disabled)
    yield from _uninstrumented()
    for name, instrumentor in _DOUBLING.items():
        yield from _doubling(name, instrumentor)


def _own(library: Library, disabled: tuple[str, ...]) -> Finding:
    shown = _with_version(library.name if not library.targets else library.package)
    if is_disabled(library.name, disabled):
        return warning(
            "libraries.disabled",
            f"{shown} is not instrumented: {DISABLED_INSTRUMENTATIONS} names it",
            f"remove {library.name} from {DISABLED_INSTRUMENTATIONS}; without its spans log lines "
            "have no ids, and traces end there",
            subject=library.name,
        )
    # A library in a version nobody has seen fails in any way.
    try:
        library.load()
    except Exception as error:
        return problem(
            "libraries.failed",
            f"{shown} is not instrumented: {type(error).__name__}: {error}",
            f"pip install --upgrade {library.package} otel-flow",
            subject=library.name,
        )
    return ok("libraries.instrumented", f"{shown}, by otel-flow", subject=library.name)


def _contrib(entry_point: EntryPoint, disabled: tuple[str, ...]) -> Iterator[Finding]:
    name, dist = entry_point.name, entry_point.dist
    by = f"{dist.name} {dist.version}" if dist else entry_point.value
    if name in REPLACED:
        return
    if {"*", name} & {*disabled}:
        yield warning(
            "libraries.disabled",
            f"{by} is not used: {DISABLED_INSTRUMENTATIONS} names it",
            f"remove {name} from {DISABLED_INSTRUMENTATIONS}",
            subject=name,
        )
        return
    conflict = get_dist_dependency_conflicts(dist) if dist else None
    if conflict is None:
        yield ok("libraries.instrumented", f"{name}, by {by}", subject=name)
    elif conflict.found or conflict.found_any:
        yield problem(
            "libraries.conflict",
            f"{name} is not instrumented: {conflict}",
            f"pip install --upgrade {dist.name if dist else name}, or a version of the library "
            "that it names",
            subject=name,
        )


def _doubling(name: str, instrumentor: str) -> Iterator[Finding]:
    package = f"{_CONTRIB}{name}"
    if found := _version(package):
        yield note(
            "libraries.doubled",
            f"{package} {found} records the same events as otel-flow; opentelemetry-instrument "
            "leaves it out",
            f"where events arrive twice, remove {instrumentor}().instrument() from the "
            f"application, or: pip uninstall {package}",
            subject=name,
        )


def _uninstrumented() -> Iterator[Finding]:
    """Yield installed libraries that a package of contrib would instrument."""
    try:
        known = importlib.import_module("opentelemetry.instrumentation.bootstrap_gen").libraries
    except (ImportError, AttributeError):
        return
    for entry in known:
        library, wanted = _requirement(entry["library"]), _requirement(entry["instrumentation"])
        if library is None or wanted is None or library.name in _TOOLS:
            continue
        if wanted.name.removeprefix(_CONTRIB) in REPLACED or _version(wanted.name):
            continue
        found = _version(library.name)
        if found and library.specifier.contains(found, prereleases=True):
            yield note(
                "libraries.uninstrumented",
                f"{library.name} {found} is not instrumented",
                f'pip install "{wanted}", if a service uses it directly',
                subject=library.name,
            )


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _with_version(package: str) -> str:
    found = _version(package)
    return f"{package} {found}" if found else package


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
