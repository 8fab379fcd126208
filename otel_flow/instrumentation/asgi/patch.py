"""Putting an `HttpServer` before the applications of a framework's class."""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.asgi.access import replace_access_log
from otel_flow.instrumentation.asgi.contrib import CONTRIB
from otel_flow.instrumentation.asgi.native import stand_in
from otel_flow.instrumentation.asgi.server import HANDLED


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.asgi.server import HttpServer


@functools.cache
def _packages(kind: type) -> frozenset[str | None]:
    """Return the packages that *kind* and its bases come from."""
    return frozenset(base.__module__.partition(".")[0] for base in kind.__mro__)


_SERVER = "_otel_flow_server"
"""Attribute of an application: its own server; None where it shall have none."""


class ApplicationClass:
    """
    One framework's application class, with our ``__call__`` as long as anything is instrumented.

    The class is patched, not the instances, because Python looks ``__call__`` up on
    the class: applications made before and after are covered alike, by whatever
    name the class was imported. Applications whose class comes from the package
    *without* are another adapter's: they are recorded only where they are named.
    """

    def __init__(self, kind: type, *, without: str | None = None) -> None:
        self._kind = kind
        self._without = without
        self._original: Any = None
        self._all: HttpServer | None = None
        self._applications = 0
        self._undos: list[Callable[[], None]] = []

    def instrument_all(self, server: HttpServer) -> Callable[[], None]:
        """Record every application that has no server of its own; return the undo."""
        if self._all is not None:
            return lambda: None
        self._all = server
        self._patch(server)
        return self.uninstrument_all

    def uninstrument_all(self) -> None:
        """Record only the applications that have a server of their own."""
        self._all = None
        self._restore_if_idle()

    def instrument(self, app: Any, server: HttpServer) -> Callable[[], None]:
        """Record *app*; return the undo."""
        if vars(app).get(_SERVER) is not None:
            return lambda: None
        setattr(app, _SERVER, server)
        self._applications += 1
        self._patch(server)
        return functools.partial(self.uninstrument, app)

    def uninstrument(self, app: Any) -> None:
        """Record *app* no more, not even where every other is recorded."""
        if vars(app).get(_SERVER) is not None:
            self._applications -= 1
        setattr(app, _SERVER, None)
        self._restore_if_idle()

    def _patch(self, server: HttpServer) -> None:
        if self._original is not None:
            return
        original = self._original = self._kind.__call__

        @functools.wraps(original)
        async def call(app: Any, scope: Any, receive: Any, send: Any) -> None:
            is_known = HANDLED in scope or scope["type"] == "lifespan"
            if is_known or (server := self._server_of(app)) is None:
                await original(app, scope, receive, send)
                return
            stand_in(scope)
            # As `HttpServer.handle` does, with one coroutine less.
            exchange = server.begin(scope, send)
            if exchange is None:
                answer = functools.partial(original, app)
                await server.handle_otherwise(answer, scope, receive, send)
            else:
                with exchange:
                    received = functools.partial(exchange.receive, receive)
                    await original(app, scope, received, exchange.send)

        self._kind.__call__ = call  # type: ignore[method-assign]
        self._undos = [
            CONTRIB.step_aside(self._is_recorded),
            replace_access_log(server),
        ]

    def _is_recorded(self, app: Any) -> bool:
        return isinstance(app, self._kind) and self._server_of(app) is not None

    def _server_of(self, app: Any) -> HttpServer | None:
        found: HttpServer | None = app.__dict__.get(_SERVER, self._all)
        without = self._without
        if without is not None and found is self._all and without in _packages(app.__class__):
            return None
        return found

    def _restore_if_idle(self) -> None:
        if self._original is None or self._all is not None or self._applications > 0:
            return
        self._kind.__call__ = self._original  # type: ignore[method-assign]
        self._original = None
        while self._undos:
            self._undos.pop()()
