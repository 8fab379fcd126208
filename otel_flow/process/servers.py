"""
The end of what ends without Python's exit handlers: servers and pool children.

uvicorn restores the default action and raises the signal again after its graceful
stop, so that neither exit handlers nor a handler installed while the application was
loading run at the end. What does run in every model, ``--workers``, ``--reload`` and
gunicorn's ``UvicornWorker`` included, is ``Server.shutdown``, which closes the
lifespan as its last step.

Children of ``multiprocessing`` and of billiard (Celery) end in ``os._exit``. The first
run the finalizers of ``multiprocessing.util``, the pool workers of billiard only the
callback of their ``_do_exit``.
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

    Patch = Callable[[ModuleType, Callable[[], None]], Callable[[], None]]


def patch_servers(flush: Callable[[], None]) -> Callable[[], None]:
    """Call *flush* at the end of each server, loaded already or later; return the undo."""
    undos = [_when_loaded(name, patch, flush) for name, patch in _PATCHES.items()]

    def undo() -> None:
        for take_back in undos:
            take_back()

    return undo


def _when_loaded(name: str, patch: Patch, flush: Callable[[], None]) -> Callable[[], None]:
    if module := sys.modules.get(name):
        return patch(module, flush)
    finder = _LoadHook(name, patch, flush)
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


def _patch_billiard(module: ModuleType, flush: Callable[[], None]) -> Callable[[], None]:
    worker = module.Worker
    original = worker._do_exit

    @functools.wraps(original)
    def _do_exit(self: Any, *arguments: Any, **keywords: Any) -> None:
        # The original ends in os._exit right after `on_exit`, Celery's worker_process_shutdown.
        self.on_exit = _followed_by(flush, self.on_exit)
        original(self, *arguments, **keywords)

    worker._do_exit = _do_exit

    def undo() -> None:
        if worker._do_exit is _do_exit:
            worker._do_exit = original

    return undo


def _followed_by(
    flush: Callable[[], None], callback: Callable[..., object] | None
) -> Callable[..., None]:
    def both(*arguments: Any) -> None:
        try:
            if callback is not None:
                callback(*arguments)
        finally:
            flush()

    return both


def _patch_multiprocessing(module: ModuleType, flush: Callable[[], None]) -> Callable[[], None]:
    """Flush as the last finalizer of each child, after the application's own."""

    def in_child(flushes: _Flushes) -> None:
        module.Finalize(None, flushes.run, exitpriority=_LAST)

    flushes = _Flushes([flush])
    module.register_after_fork(flushes, in_child)
    if _multiprocessing_child():
        in_child(flushes)
    return flushes.clear


def _multiprocessing_child() -> bool:
    """Whether this process was started by multiprocessing, and so has run its fork hooks."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


class _Flushes:
    """What a child flushes; an object because the registry of fork hooks holds its key weakly."""

    def __init__(self, active: list[Callable[[], None]]) -> None:
        self._active = active

    def clear(self) -> None:
        """Flush no more."""
        self._active.clear()

    def run(self) -> None:
        """Flush, unless that was taken back."""
        for flush in self._active:
            flush()


_LAST = -(2**31)
"""Finalizers run by falling priority; those of the application come first."""

_PATCHES: dict[str, Patch] = {
    "uvicorn.server": _patch_uvicorn,
    "billiard.pool": _patch_billiard,
    "multiprocessing.util": _patch_multiprocessing,
}


class _LoadHook(importlib.abc.MetaPathFinder):
    """A finder that finds nothing, but patches the server's module once it is loaded."""

    def __init__(self, name: str, patch: Patch, flush: Callable[[], None]) -> None:
        self._name = name
        self._patch_module = patch
        self._flush = flush
        self._undo: Callable[[], None] | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the awaited module as the other finders do, with a loader that patches it."""
        del path, target
        if fullname != self._name:
            return None
        self._remove()
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, self._patch)
        return spec

    def _patch(self, module: ModuleType) -> None:
        self._undo = self._patch_module(module, self._flush)

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
