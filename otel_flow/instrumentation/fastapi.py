"""FastAPI: requests to its applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from otel_flow import telemetry as running
from otel_flow.instrumentation.asgi.patch import ApplicationClass
from otel_flow.instrumentation.asgi.server import HttpServer


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_flow.telemetry import Telemetry


TARGETS = (FastAPI,)


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
    server = HttpServer(telemetry, exclude=exclude)
    if target is None:
        return _applications.instrument_all(server)
    return _applications.instrument(target, server)


def uninstrument(target: FastAPI | None = None) -> None:
    """Stop recording *target*, by default every application that was not named."""
    if target is None:
        _applications.uninstrument_all()
    else:
        _applications.uninstrument(target)
