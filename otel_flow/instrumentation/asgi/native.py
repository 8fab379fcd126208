"""
FastAPI's own telemetry, which begins with the first global provider (from 0.142 on).

A request that carries its key in the scope is taken as seen by an outer application, so
ours stands there: FastAPI leaves the route and the exceptions in it and does nothing else.
Also inside applications of others, which may mount one of FastAPI's.
"""

from __future__ import annotations

import functools
import importlib
import sys

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.asgi.route import (
    is_mount,
    mounted_at,
    mounted_prefix,
    starlette_route,
    template,
)


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping


KEY = "fastapi.telemetry"


def stand_in(scope: MutableMapping[str, Any]) -> None:
    """Put ourselves where FastAPI's own telemetry would be, if there is a FastAPI that has any."""
    if "fastapi" not in sys.modules or KEY in scope:
        return
    request = _request_class()
    if request is not None:
        scope[KEY] = request(scope)


@functools.cache
def _request_class() -> Callable[..., Any] | None:
    try:
        base: Any = importlib.import_module("fastapi.telemetry._api")._RequestTelemetry
    except (ImportError, AttributeError):
        return None

    def begin(self: Any, scope: MutableMapping[str, Any]) -> None:
        root = scope["app_root_path"] if "app_root_path" in scope else scope.get("root_path", "")
        self._mount_prefix = root.rstrip("/") if root else ""
        self._exceptions = []

    # What stays as it is for all requests stands in the class.
    constant = {"span": None, "span_method": "", "data": None}
    return type("Request", (base,), {**constant, "__init__": begin})


def whole_route(scope: MutableMapping[str, Any]) -> str | None:
    """
    Return the template that the routers of FastAPI and of Starlette matched, None where none did.

    Routers that are included and applications that are mounted count in full, whichever of
    the two frameworks is inside the other.
    """
    native: Any = scope.get(KEY)
    found: str | None = None if native is None else native.route
    if found is None:
        return starlette_route(scope)
    if "app_root_path" not in scope or "router" not in scope:
        return found
    router: Any = type(scope["router"])
    if not _is_fastapis(router):
        found = _around(scope, native._mount_prefix, found)
    if not found.endswith("/{path}"):
        return found
    # A Starlette application mounted in FastAPI knows nothing of its telemetry; mounts of an
    # included router are FastAPI's alone to find.
    known = _inside(scope, native._mount_prefix, found), starlette_route(scope) or ""
    return max(known, key=lambda path: (not path.endswith("/{path}"), len(path)))


def _around(scope: MutableMapping[str, Any], prefix: str, found: str) -> str:
    """Return *found* with what Starlette has mounted around FastAPI, whose *prefix* is its own mounts'."""
    root, depth = mounted_at(scope)
    mounts = depth.split("/")
    outer = "/".join(mounts[: len(mounts) - prefix[len(root) :].count("/")])
    before, is_whole = mounted_prefix(getattr(scope.get("router"), "routes", ()), outer)
    return root + before + (found[len(root) :] if is_whole else "/{path}")


def _inside(scope: MutableMapping[str, Any], prefix: str, found: str) -> str:
    """Return *found* with the route of the application that FastAPI has mounted at *prefix* itself."""
    inner = scope.get("route")
    path = None if inner is None or is_mount(inner) else template(inner)
    is_direct = prefix.count("/") == "".join(mounted_at(scope)).count("/")
    return prefix + path if path is not None and is_direct else found


@functools.cache
def _is_fastapis(router: type[Any]) -> bool:
    return any(base.__module__.partition(".")[0] == "fastapi" for base in router.__mro__)
