"""FastAPI: requests to its applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from otel_flow import telemetry as running
from otel_flow.instrumentation.asgi.native import KEY
from otel_flow.instrumentation.asgi.patch import ApplicationClass
from otel_flow.instrumentation.asgi.route import (
    is_mount,
    mounted_at,
    starlette_route,
    template,
)
from otel_flow.instrumentation.asgi.server import HttpServer


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]


TARGETS = (FastAPI,)


def route(scope: Scope) -> str | None:
    """Return the template that FastAPI's routers matched, included and mounted ones in full."""
    native = scope.get(KEY)
    if native is None:
        return starlette_route(scope)
    found: str | None = native.route
    inner = scope.get("route")
    if found is None or not found.endswith("/{path}") or inner is None:
        return found
    # A mounted Starlette application knows nothing of FastAPI's telemetry.
    root, depth = mounted_at(scope)
    prefix: str = native._mount_prefix
    if prefix.count("/") != (root + depth).count("/"):
        whole = starlette_route(scope)
        # Mounts of an included router are FastAPI's alone to find.
        return found if whole is None or len(whole) < len(found) else whole
    path = template(inner)
    return found if path is None or is_mount(inner) else prefix + path


_applications = ApplicationClass(FastAPI)


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
