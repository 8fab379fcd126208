"""httpx: requests of its clients, synchronous and asynchronous, each redirect by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from otel_flow import telemetry as running
from otel_flow.instrumentation.outgoing.client import client_of
from otel_flow.instrumentation.outgoing.method import SendMethod


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.outgoing.client import HttpClient
    from otel_flow.telemetry import Telemetry


TARGETS = (httpx.Client, httpx.AsyncClient)

SCOPE = "otel_flow.httpx"

_SEND = "_send_single_request"
"""Sends one request without following redirects; there in every version since 0.18."""


def _sync(original: Callable[..., httpx.Response], client: HttpClient) -> Callable[..., Any]:
    def send(self: httpx.Client, request: httpx.Request) -> httpx.Response:
        outgoing = client.begin(request.method, str(request.url), request.headers)
        if outgoing is None:
            return original(self, request)
        outgoing.attach()
        try:
            response = original(self, request)
        except BaseException as error:
            outgoing.end(error=error)
            raise
        outgoing.end(response.status_code, _version(response))
        return response

    return send


def _async(original: Callable[..., Any], client: HttpClient) -> Callable[..., Any]:
    async def send(self: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        outgoing = client.begin(request.method, str(request.url), request.headers)
        if outgoing is None:
            unrecorded: httpx.Response = await original(self, request)
            return unrecorded
        outgoing.attach()
        try:
            response: httpx.Response = await original(self, request)
        except BaseException as error:
            outgoing.end(error=error)
            raise
        outgoing.end(response.status_code, _version(response))
        return response

    return send


def _version(response: httpx.Response) -> str | None:
    name: str = response.http_version
    return name.partition("/")[2] or None


_methods = {
    httpx.Client: SendMethod(httpx.Client, _SEND, _sync),
    httpx.AsyncClient: SendMethod(httpx.AsyncClient, _SEND, _async),
}


def instrument(
    target: httpx.Client | httpx.AsyncClient | None = None, *, telemetry: Telemetry | None = None
) -> Callable[[], None]:
    """Record the requests of *target*, by default of every client; return the undo."""
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    client = client_of(telemetry, SCOPE)
    if target is not None:
        return _method_of(target).instrument(target, client)
    for method in _methods.values():
        method.instrument_all(client)
    return uninstrument


def uninstrument(target: httpx.Client | httpx.AsyncClient | None = None) -> None:
    """Stop recording *target*, by default every client that was not named."""
    if target is not None:
        _method_of(target).uninstrument(target)
        return
    for method in _methods.values():
        method.uninstrument_all()


def _method_of(target: httpx.Client | httpx.AsyncClient) -> SendMethod:
    return next(method for kind, method in _methods.items() if isinstance(target, kind))
