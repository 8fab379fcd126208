"""Which libraries there are, and which of them a target belongs to."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import logging
import sys

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.arrival import call_all_off, expect, when_imported


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.instrumentation")


@dataclasses.dataclass(frozen=True, slots=True)
class Library:
    """An instrumented library: its name, its package and, for messages, what can be passed."""

    name: str
    package: str
    targets: tuple[str, ...]
    part: str = ""
    """Module of the package that brings the targets, if the package itself does not."""
    user: str = ""
    """Module of others that imports it, and that our adapter changes, too."""

    @property
    def module(self) -> str:
        """The module with which the targets come."""
        return f"{self.package}.{self.part}" if self.part else self.package

    def is_installed(self) -> bool:
        """Return whether the package can be imported."""
        if self.package in sys.modules:
            return True
        return importlib.util.find_spec(self.package) is not None

    @property
    def adapter(self) -> str:
        """The name of our module for it."""
        return f"otel_flow.instrumentation.{self.name}"

    def load(self) -> ModuleType:
        """Return our module for it; imports the library."""
        return importlib.import_module(self.adapter)


LIBRARIES = (
    Library("fastapi", "fastapi", ("fastapi.FastAPI",)),
    Library("starlette", "starlette", ("starlette.applications.Starlette",), part="applications"),
    Library(
        "sqlalchemy",
        "sqlalchemy",
        ("sqlalchemy.engine.Engine", "sqlalchemy.ext.asyncio.AsyncEngine"),
    ),
    Library(
        "redis",
        "redis",
        ("redis.Redis", "redis.asyncio.Redis", "redis.RedisCluster", "redis.asyncio.RedisCluster"),
        user="kombu.transport.redis",
    ),
    Library(
        "celery",
        "celery",
        ("celery.Celery",),
        user="opentelemetry.instrumentation.celery",
    ),
    Library("httpx", "httpx", ("httpx.Client", "httpx.AsyncClient")),
    Library("httpx2", "httpx2", ("httpx2.Client", "httpx2.AsyncClient")),
    Library("requests", "requests", ("requests.Session",)),
    Library("loguru", "loguru", ()),
    Library("threads", "threading", ()),
    Library("runtime", "sys", ()),
)
"""In the order in which a target is looked up: FastAPI's class is a subclass of Starlette's."""

REPLACED = frozenset(
    {
        "logging",
        "structlog",
        "fastapi",
        "starlette",
        "sqlalchemy",
        "redis",
        "celery",
        "httpx",
        "httpx2",
        "requests",
        "threading",
    }
)
"""Contrib's instrumentors whose work is ours; with both, everything would arrive twice."""


def instrument(telemetry: Telemetry, targets: tuple[object, ...]) -> Callable[[], None]:
    """
    Instrument *targets*, or without any every library that is not disabled.

    A library is instrumented when it is imported, at once if it has been. Returns the
    undo. A library that fails is named in one log line, the others go on;
    a target that no library knows is a `TypeError`, raised before anything is done.
    """
    if not targets:
        return _undo_all(_instrument_everything(telemetry))
    found = [(library_of(target), target) for target in targets]
    return _undo_all(
        [library.load().instrument(target, telemetry=telemetry) for library, target in found]
    )


def library_of(target: object) -> Library:
    """Return the library that instruments *target*; raises `TypeError` if none does."""
    packages = {kind.__module__.partition(".")[0] for kind in type(target).__mro__}
    for library in LIBRARIES:
        if library.package in packages and isinstance(target, library.load().TARGETS):
            return library
    supported = ", ".join(name for library in LIBRARIES for name in library.targets)
    kind = f"{type(target).__module__}.{type(target).__qualname__}"
    raise TypeError(f"cannot instrument {kind}; supported are {supported}")


def is_disabled(name: str, disabled: Iterable[str]) -> bool:
    """Return whether the user switched library *name* off, as ours or as the plain one."""
    return not {"*", name, f"otel_flow_{name}"}.isdisjoint(disabled)


def instrument_when_imported(library: Library, telemetry: Telemetry) -> Callable[[], None]:
    """Instrument all of *library* once it is imported, at once if it is; return the undo."""
    undos: list[Callable[[], None]] = []

    def begin() -> None:
        # A library in a version nobody has seen must cost itself only.
        try:
            undos.append(library.load().instrument(telemetry=telemetry))
        except Exception as error:
            logger.error(  # noqa: TRY400 - one line, no traceback
                "%s is not instrumented: %s: %s", library.name, type(error).__name__, error
            )

    if library.user:
        expect(library.user)
    undos.append(when_imported(library.module, begin))
    return _undo_all(undos)


def uninstrument(library: Library) -> None:
    """Record nothing of *library* but the targets that were named, also if it is imported later."""
    call_all_off(library.module)
    module = sys.modules.get(library.adapter)
    if module is not None:
        module.uninstrument()


def _instrument_everything(telemetry: Telemetry) -> list[Callable[[], None]]:
    disabled = telemetry.settings.disabled_instrumentations
    return [
        instrument_when_imported(library, telemetry)
        for library in LIBRARIES
        if not is_disabled(library.name, disabled)
    ]


def _undo_all(undos: list[Callable[[], Any]]) -> Callable[[], None]:
    def undo() -> None:
        while undos:
            undos.pop()()

    return undo
