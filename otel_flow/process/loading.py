"""Waiting for a module that may never be loaded, to patch it as soon as it is."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Undo = Callable[[], None]


def when_loaded(name: str, patch: Callable[[ModuleType], Undo]) -> Undo:
    """Patch the module *name* now or when it is loaded; return the undo, in either case."""
    if module := sys.modules.get(name):
        return patch(module)
    finder = _LoadHook(name, patch)
    sys.meta_path.insert(0, finder)
    return finder.undo


class _LoadHook(importlib.abc.MetaPathFinder):
    """A finder that finds nothing, but patches the server's module once it is loaded."""

    def __init__(self, name: str, patch: Callable[[ModuleType], Undo]) -> None:
        self._name = name
        self._patch_module = patch
        self._undo: Undo | None = None

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
        self._undo = self._patch_module(module)

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
