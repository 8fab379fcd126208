"""
The end of what ends without Python's exit handlers: servers and pool children.

uvicorn puts back the signal handlers that it found when it started, and raises the
signals it got once more after its graceful stop. Where it has loaded the application, as
in the children of ``--workers`` and ``--reload`` and in gunicorn's ``UvicornWorker``, the
handlers it found are the default actions, and neither exit handlers nor a handler
installed by the application run at the end. So ours is put back in between.

Children of ``multiprocessing`` and of billiard (Celery) end in ``os._exit``. The first
run the finalizers of ``multiprocessing.util``, the pool workers of billiard only the
callback of their ``_do_exit``.
"""

from __future__ import annotations

import functools
import signal
import sys

from typing import TYPE_CHECKING, Any, NamedTuple

from otel_flow.process.loading import when_loaded


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    Undo = Callable[[], None]
    Patch = Callable[[ModuleType, "Ends"], Undo]


class Ends(NamedTuple):
    """What is to be done where a process ends."""

    flush: Callable[[], None]
    """Deliver what there is: something ends that is probably the process."""
    die_of: Callable[[int], None]
    """Deliver when this signal comes, where it is at its default action."""


def patch_servers(ends: Ends) -> Undo:
    """Call *ends* where servers end that are loaded already or later; return the undo."""
    undos = [
        when_loaded(name, functools.partial(_applied, patch, ends))
        for name, patch in _PATCHES.items()
    ]

    def undo() -> None:
        for take_back in undos:
            take_back()

    return undo


def _applied(patch: Patch, ends: Ends, module: ModuleType) -> Undo:
    return patch(module, ends)


class _Captured(list[int]):
    """The signals that a server of uvicorn got and will raise once more, the last one first."""

    def __init__(self, signals: Iterable[int], die_of: Callable[[int], None]) -> None:
        super().__init__(signals)
        self._die_of = die_of

    def __reversed__(self) -> Iterator[int]:
        # Read when the server has put the handlers back that it had found. After Ctrl-C the
        # parent's SIGTERM is often still on its way.
        for number in {signal.SIGTERM, *self}:
            self._die_of(number)
        return super().__reversed__()


def _patch_uvicorn(module: ModuleType, ends: Ends) -> Undo:
    server = module.Server
    original = server.startup

    @functools.wraps(original)
    async def startup(self: Any, *arguments: Any, **keywords: Any) -> None:
        # Before 0.29 uvicorn raised no signals again, and ended as other programs do.
        if (captured := getattr(self, "_captured_signals", None)) is not None:
            self._captured_signals = _Captured(captured, ends.die_of)
        await original(self, *arguments, **keywords)

    server.startup = startup

    def undo() -> None:
        if server.startup is startup:
            server.startup = original

    return undo


def _patch_billiard(module: ModuleType, ends: Ends) -> Undo:
    worker = module.Worker
    original = worker._do_exit

    @functools.wraps(original)
    def _do_exit(self: Any, *arguments: Any, **keywords: Any) -> None:
        # The original ends in os._exit right after `on_exit`, Celery's worker_process_shutdown.
        self.on_exit = _followed_by(ends.flush, self.on_exit)
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


def _patch_multiprocessing(module: ModuleType, ends: Ends) -> Undo:
    """Flush as the last finalizer of each child, after the application's own."""

    def in_child(flushes: _Flushes) -> None:
        module.Finalize(None, flushes.run, exitpriority=_LAST)

    flushes = _Flushes([ends.flush])
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
