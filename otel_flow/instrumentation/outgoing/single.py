"""The clients of httpx, and of what has its interface: one method sends one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow import telemetry as running
from otel_flow.instrumentation.outgoing.client import client_of
from otel_flow.instrumentation.outgoing.method import SendMethod


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.outgoing.client import HttpClient
    from otel_flow.telemetry import Telemetry


_SEND = "_send_single_request"
"""Sends one request without following redirects; there in every version since httpx 0.18."""


class ClientClasses:
    """The synchronous and the asynchronous class of one library, recorded under *scope*."""

    def __init__(self, sync: type, asynchronous: type, scope: str) -> None:
        self._scope = scope
        self._methods = {
            sync: SendMethod(sync, _SEND, _sync),
            asynchronous: SendMethod(asynchronous, _SEND, _async),
        }

    def instrument(self, target: Any, telemetry: Telemetry | None) -> Callable[[], None]:
        """Record the requests of *target*, None for every client; return the undo."""
        telemetry = telemetry or running.current()
        if telemetry is None or telemetry.disabled:
            return lambda: None
        client = client_of(telemetry, self._scope)
        if target is not None:
            return self._method_of(target).instrument(target, client)
        for method in self._methods.values():
            method.instrument_all(client)
        return lambda: self.uninstrument(None)

    def uninstrument(self, target: Any) -> None:
        """Stop recording *target*, None for every client that was not named."""
        if target is not None:
            self._method_of(target).uninstrument(target)
            return
        for method in self._methods.values():
            method.uninstrument_all()

    def _method_of(self, target: Any) -> SendMethod:
        return next(method for kind, method in self._methods.items() if isinstance(target, kind))


def _sync(original: Callable[..., Any], client: HttpClient) -> Callable[..., Any]:
    def send(self: Any, request: Any) -> Any:
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
    async def send(self: Any, request: Any) -> Any:
        outgoing = client.begin(request.method, str(request.url), request.headers)
        if outgoing is None:
            return await original(self, request)
        outgoing.attach()
        try:
            response = await original(self, request)
        except BaseException as error:
            outgoing.end(error=error)
            raise
        outgoing.end(response.status_code, _version(response))
        return response

    return send


def _version(response: Any) -> str | None:
    return response.http_version.partition("/")[2] or None
