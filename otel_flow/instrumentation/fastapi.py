"""
FastAPI: requests to its applications, with its own telemetry out of the way.

From 0.142 on FastAPI has telemetry of its own, which begins with the first global
provider. A request that carries its key in the scope is taken as seen by an outer
application, so ours stands there: FastAPI leaves the route and the exceptions in it
and does nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from otel_flow import telemetry as running
from otel_flow.instrumentation.asgi.patch import ApplicationClass
from otel_flow.instrumentation.asgi.route import is_mount, starlette_route, template
from otel_flow.instrumentation.asgi.server import HttpServer


try:
    from fastapi.telemetry._api import _RequestTelemetry
except ImportError:  # before 0.142
    _RequestTelemetry = None  # type: ignore[assignment, misc]


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]


TARGETS = (FastAPI,)

_NATIVE = "fastapi.telemetry"


def _stand_in(scope: Scope) -> None:
    """Put ourselves where FastAPI's own telemetry would be."""
    if _RequestTelemetry is not None:
        prefix = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
        scope[_NATIVE] = _RequestTelemetry(
            span=None, span_method=scope.get("method", ""), data=None, _mount_prefix=prefix
        )


def route(scope: Scope) -> str | None:
    """Return the template that FastAPI's routers matched, included and mounted ones in full."""
    native = scope.get(_NATIVE)
    if native is None:
        return starlette_route(scope)
    found: str | None = native.route
    inner = scope.get("route")
    if found is None or not found.endswith("/{path}") or inner is None:
        return found
    # A mounted Starlette application knows nothing of FastAPI's telemetry.
    path = template(inner)
    return found if path is None or is_mount(inner) else native._mount_prefix + path


_applications = ApplicationClass(FastAPI, _stand_in)


def instrument(
    target: FastAPI | None = None,
    *,
    telemetry: Telemetry | None = None,
    exclude: Sequence[str] = (),
) -> Callable[[], None]:
    """
    Record the requests of *target*, by default of every FastAPI application; return the undo.

    *exclude* are regular expressions of URLs without telemetry, beside those of the settings.
    """
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    server = HttpServer(telemetry, exclude=exclude, route_of=route)
    if target is None:
        return _applications.instrument_all(server)
    return _applications.instrument(target, server)


def uninstrument(target: FastAPI | None = None) -> None:
    """Stop recording *target*, by default every application that was not named."""
    if target is None:
        _applications.uninstrument_all()
    else:
        _applications.uninstrument(target)
