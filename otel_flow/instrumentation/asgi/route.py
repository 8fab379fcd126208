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
    that has no routes, static files for example, it is the mount's, ``/static/{path}``. The
    root that a server is told, as behind a proxy, belongs to it.
    """
    route = scope.get("route")
    if route is None:
        return _matched_again(scope)
    path = template(route)
    if path is None:
        return None
    root, depth = mounted_at(scope)
    if not depth:
        return root + path
    # The outermost router stays in the scope; "app" is the innermost application.
    prefix, is_whole = mounted_prefix(getattr(scope.get("router"), "routes", ()), depth)
    # Where a mount was the last to match, what is mounted has no route for the rest.
    return root + prefix + (path if is_whole and not is_mount(route) else "/{path}")


def mounted_at(scope: Scope) -> tuple[str, str]:
    """Return the root of the outermost application, and the path from there to the innermost."""
    innermost = scope.get("root_path", "")
    root = scope.get("app_root_path", innermost)
    return root.rstrip("/"), innermost[len(root) :]


def template(route: Any) -> str | None:
    """Return the path of *route* with its parameters as ``{name}``."""
    found = getattr(route, "path_format", None) or getattr(route, "path", None)
    return found if isinstance(found, str) else None


def is_mount(route: Any) -> bool:
    """Return whether *route* hands on everything below a path."""
    return hasattr(route, "app") and (template(route) or "").endswith("/{path}")


def mounted_prefix(routes: Sequence[Any], path: str) -> tuple[str, bool]:
    """
    Return *path*, a chain of mount points, with the parameters of each as ``{name}``.

    And whether that is all of it: what is mounted may not show what it mounts itself.
    """
    for route in routes:
        if not is_mount(route):
            if hasattr(route, "host"):
                prefix, is_whole = mounted_prefix(route.routes, path)
                if is_whole:
                    return prefix, True
            continue
        if (match := route.path_regex.match(f"{path}/")) is None:
            continue
        prefix = (template(route) or "").removesuffix("/{path}")
        rest = match.group("path").rstrip("/")
        if not rest:
            return prefix, True
        below, is_whole = mounted_prefix(route.routes, f"/{rest}")
        return prefix + below, is_whole
    return "", False


def _matched_again(scope: Scope) -> str | None:
    """Return the route of a Starlette that does not leave it in the scope (before 1.0)."""
    if "endpoint" not in scope or "router" not in scope:
        return None
    outer = {**scope, "root_path": scope.get("app_root_path", scope.get("root_path", ""))}
    found = _search(scope["router"].routes, outer)
    return None if found is None else mounted_at(scope)[0] + found


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
