"""httpx: requests of its clients, synchronous and asynchronous, each redirect by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from otel_flow.instrumentation.outgoing.single import ClientClasses


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.telemetry import Telemetry


TARGETS = (httpx.Client, httpx.AsyncClient)

SCOPE = "otel_flow.httpx"

_clients = ClientClasses(httpx.Client, httpx.AsyncClient, SCOPE)


def instrument(
    target: httpx.Client | httpx.AsyncClient | None = None, *, telemetry: Telemetry | None = None
) -> Callable[[], None]:
    """Record the requests of *target*, by default of every client; return the undo."""
    return _clients.instrument(target, telemetry)


def uninstrument(target: httpx.Client | httpx.AsyncClient | None = None) -> None:
    """Stop recording *target*, by default every client that was not named."""
    _clients.uninstrument(target)
