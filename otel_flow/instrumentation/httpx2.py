"""httpx2: requests of its clients, synchronous and asynchronous, each redirect by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from otel_flow.instrumentation.outgoing.single import ClientClasses


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.telemetry import Telemetry


TARGETS = (httpx2.Client, httpx2.AsyncClient)

SCOPE = "otel_flow.httpx2"

_clients = ClientClasses(httpx2.Client, httpx2.AsyncClient, SCOPE)


def instrument(
    target: httpx2.Client | httpx2.AsyncClient | None = None, *, telemetry: Telemetry | None = None
) -> Callable[[], None]:
    """Record the requests of *target*, by default of every client; return the undo."""
    return _clients.instrument(target, telemetry)


def uninstrument(target: httpx2.Client | httpx2.AsyncClient | None = None) -> None:
    """Stop recording *target*, by default every client that was not named."""
    _clients.uninstrument(target)
