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
        prefix = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
        scope[KEY] = request(
            span=None, span_method=scope.get("method", ""), data=None, _mount_prefix=prefix
        )


@functools.cache
def _request_class() -> Callable[..., Any] | None:
    try:
        found: Callable[..., Any] = importlib.import_module(
            "fastapi.telemetry._api"
        )._RequestTelemetry
    except (ImportError, AttributeError):
        return None
    return found
