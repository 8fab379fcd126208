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
