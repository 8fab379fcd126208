"""Any ASGI application, of whichever framework or none: ``app = Middleware(app)``."""

from __future__ import annotations

import weakref

from typing import TYPE_CHECKING, Any

from otel_flow import telemetry as running
from otel_flow.instrumentation.asgi.access import replace_access_log
from otel_flow.instrumentation.asgi.contrib import CONTRIB
from otel_flow.instrumentation.asgi.native import stand_in, whole_route
from otel_flow.instrumentation.asgi.server import HANDLED, HttpServer


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from otel_flow.instrumentation.asgi.route import RouteOf
    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]


class Middleware:
    """
    Records the requests of *app*, once telemetry has begun.

    For applications that are neither FastAPI's nor Starlette's; these are recorded without
    it, and not twice with it. *telemetry* is by default the running one. *exclude* are regular
    expressions of URLs without telemetry, beside those of the settings. *route_of* returns
    the template of the route of a scope after the application has answered, or None; by
    default what routers of Starlette or FastAPI have left in it.
    """

    def __init__(
        self,
        app: App,
        *,
        telemetry: Telemetry | None = None,
        exclude: Sequence[str] = (),
        route_of: RouteOf = whole_route,
    ) -> None:
        self.app = app
        self._telemetry = telemetry
        self._exclude = exclude
        self._route_of = route_of
        self._server: HttpServer | None = None
        undo = CONTRIB.step_aside(_recorded(weakref.ref(self)))
        weakref.finalize(self, undo).atexit = False

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Have the application answer, and record it."""
        server = None if scope["type"] == "lifespan" or HANDLED in scope else self._begun()
        if server is None:
            await self.app(scope, receive, send)
        else:
            stand_in(scope)
            await server.handle(self.app, scope, receive, send)

    def _begun(self) -> HttpServer | None:
        telemetry = self._telemetry or running.current()
        if telemetry is None or telemetry.disabled:
            return None
        if self._server is None or self._server.telemetry is not telemetry:
            self._server = HttpServer(telemetry, exclude=self._exclude, route_of=self._route_of)
            undo = replace_access_log(self._server)
            weakref.finalize(self, undo).atexit = False
        return self._server


def _recorded(middleware: Callable[[], Middleware | None]) -> Callable[[Any], bool]:
    def is_recorded(node: Any) -> bool:
        found = middleware()
        return found is not None and found is node and found._begun() is not None

    return is_recorded
