"""
The end of a server: uvicorn's, under whatever starts it.

uvicorn restores the default action and raises the signal again after its graceful
stop, so that neither exit handlers nor a handler installed while the application was
loading run at the end. What does run in every model, ``--workers``, ``--reload`` and
gunicorn's ``UvicornWorker`` included, is ``Server.shutdown``, which closes the
lifespan as its last step.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


_UVICORN = "uvicorn.server"


def patch_servers(flush: Callable[[], None]) -> Callable[[], None]:
    """Call *flush* at the end of each server, loaded already or later; return the undo."""
    if module := sys.modules.get(_UVICORN):
        return _patch_uvicorn(module, flush)
    finder = _LoadHook(flush)
    sys.meta_path.insert(0, finder)
    return finder.undo


def _patch_uvicorn(module: ModuleType, flush: Callable[[], None]) -> Callable[[], None]:
    server = module.Server
    original = server.shutdown

    @functools.wraps(original)
    async def shutdown(self: Any, *arguments: Any, **keywords: Any) -> None:
        await original(self, *arguments, **keywords)
        flush()

    server.shutdown = shutdown

    def undo() -> None:
        if server.shutdown is shutdown:
            server.shutdown = original

    return undo


class _LoadHook(importlib.abc.MetaPathFinder):
    """A finder that finds nothing, but patches the server's module once it is loaded."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._undo: Callable[[], None] | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find uvicorn's server module as the other finders do, with a loader that patches it."""
        del path, target
        if fullname != _UVICORN:
            return None
        self._remove()
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, self._patch)
        return spec

    def _patch(self, module: ModuleType) -> None:
        self._undo = _patch_uvicorn(module, self._flush)

    def _remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def undo(self) -> None:
        """Stop waiting for the module, or take the patch back."""
        self._remove()
        if self._undo is not None:
            self._undo()


class _PatchingLoader(importlib.abc.Loader):
    """A loader that does what *loader* does and then patches the module."""

    def __init__(self, loader: Any, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as the real loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module as the real loader does, then patch it."""
        self._loader.exec_module(module)
        self._patch(module)
