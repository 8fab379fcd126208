"""
Contrib's ASGI middleware, which steps aside where one of our servers records the request.

Its class is patched, because it stands in three places: inside an application, where
``FastAPIInstrumentor`` and ``add_middleware`` put it, around one, and in the code of users.
"""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

from wrapt import register_post_import_hook

from otel_flow.instrumentation.asgi.server import HANDLED


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


logger = logging.getLogger("otel_flow.instrumentation")

_MODULE = "opentelemetry.instrumentation.asgi"

_DEPTH = 64
"""Middlewares around an application that are looked through."""


class ContribMiddleware:
    """The class, patched as long as anybody records applications of theirs."""

    def __init__(self) -> None:
        self._recorded: list[Callable[[Any], bool]] = []
        self._kind: Any = None
        self._original: Any = None
        self._hooked = False
        self._told = False

    def step_aside(self, is_recorded: Callable[[Any], bool]) -> Callable[[], None]:
        """Keep it away from every application of which *is_recorded* is true; return the undo."""
        self._recorded.append(is_recorded)
        if _MODULE in sys.modules:
            self._patch(sys.modules[_MODULE])
        elif not self._hooked:
            self._hooked = True
            register_post_import_hook(self._patch, _MODULE)

        def undo() -> None:
            self._recorded.remove(is_recorded)
            self._restore_if_idle()

        return undo

    def _patch(self, module: ModuleType) -> None:
        if self._original is not None or not self._recorded:
            return
        self._kind = module.OpenTelemetryMiddleware
        original = self._original = self._kind.__call__

        @functools.wraps(original)
        async def call(middleware: Any, scope: Any, receive: Any, send: Any) -> None:
            if HANDLED in scope or self._stands_around_ours(middleware):
                self._tell()
                await middleware.app(scope, receive, send)
            else:
                await original(middleware, scope, receive, send)

        self._kind.__call__ = call

    def _restore_if_idle(self) -> None:
        if self._original is not None and not self._recorded:
            self._kind.__call__ = self._original
            self._original = None

    def _stands_around_ours(self, middleware: Any) -> bool:
        node = middleware
        for _ in range(_DEPTH):
            node = getattr(node, "app", None)
            if node is None:
                return False
            if any(is_recorded(node) for is_recorded in self._recorded):
                return True
        return False

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            logger.warning("contrib's HTTP instrumentation of the app is left out: ours is on")


CONTRIB = ContribMiddleware()
