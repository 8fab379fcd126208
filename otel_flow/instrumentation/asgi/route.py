"""The template of the route that answered a request, mounts included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    Scope = MutableMapping[str, Any]
    RouteOf = Callable[[Scope], str | None]


def starlette_route(scope: Scope) -> str | None:
    """
    Return the template that Starlette's router matched, None where none did.

    A mounted application contributes its own route, ``/shop/items/{id}``; for one
    that has no routes, static files for example, it is the mount's, ``/static/{path}``.
    """
    route = scope.get("route")
    if route is None:
        return _matched_again(scope)
    path = template(route)
    if path is None:
        return None
    depth = scope.get("root_path", "")[len(scope.get("app_root_path", "")) :]
    if not depth or "app_root_path" not in scope:
        return path
    # The outermost router stays in the scope; "app" is the innermost application.
    prefix = mounted_prefix(getattr(scope.get("router"), "routes", ()), depth)
    return path if is_mount(route) and path.startswith(prefix) else prefix + path


def template(route: Any) -> str | None:
    """Return the path of *route* with its parameters as ``{name}``."""
    found: str | None = getattr(route, "path_format", None) or getattr(route, "path", None)
    return found


def is_mount(route: Any) -> bool:
    """Return whether *route* hands on everything below a path."""
    return hasattr(route, "app") and (template(route) or "").endswith("/{path}")


def mounted_prefix(routes: Sequence[Any], path: str) -> str:
    """Return *path*, a chain of mount points, with the parameters of each as ``{name}``."""
    for route in routes:
        if not is_mount(route) or (match := route.path_regex.match(f"{path}/")) is None:
            continue
        prefix = (template(route) or "").removesuffix("/{path}")
        rest = match.group("path").rstrip("/")
        return prefix + (mounted_prefix(route.routes, f"/{rest}") if rest else "")
    return path


def _matched_again(scope: Scope) -> str | None:
    """Return the route of a Starlette that does not leave it in the scope (before 1.0)."""
    if "endpoint" not in scope or "router" not in scope:
        return None
    outer = {**scope, "root_path": scope.get("app_root_path", scope.get("root_path", ""))}
    return _search(scope["router"].routes, outer)


def _search(routes: Sequence[Any], scope: Scope) -> str | None:
    for route in routes:
        match, child_scope = route.matches(scope)
        if match.value == _FULL:
            if not is_mount(route):
                return template(route)
            prefix = (template(route) or "").removesuffix("/{path}")
            below = _search(route.routes, {**scope, **child_scope})
            return prefix + (below or "/{path}")
    return None


_FULL = 2
