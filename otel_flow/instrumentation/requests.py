"""requests: what its sessions send, each redirect by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from requests.adapters import HTTPAdapter

from otel_flow import telemetry as running
from otel_flow.instrumentation.outgoing.client import client_of
from otel_flow.instrumentation.outgoing.method import SendMethod


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.outgoing.client import HttpClient
    from otel_flow.telemetry import Telemetry


TARGETS = (requests.Session,)

SCOPE = "otel_flow.requests"

_VERSIONS = {9: "0.9", 10: "1.0", 11: "1.1", 20: "2"}
"""urllib3's numbers of HTTP versions."""


def _recorded(original: Callable[..., requests.Response], client: HttpClient) -> Callable[..., Any]:
    def send(
        self: HTTPAdapter, request: requests.PreparedRequest, *arguments: Any, **keywords: Any
    ) -> requests.Response:
        outgoing = client.begin(request.method or "", request.url or "", request.headers)
        if outgoing is None:
            return original(self, request, *arguments, **keywords)
        outgoing.attach()
        try:
            response = original(self, request, *arguments, **keywords)
        except BaseException as error:
            outgoing.end(error=error)
            raise
        outgoing.end(response.status_code, _VERSIONS.get(getattr(response.raw, "version", 0)))
        return response

    return send


# A session hands each request, and each redirect, to one of its adapters.
_method = SendMethod(HTTPAdapter, "send", _recorded)


def instrument(
    target: requests.Session | None = None, *, telemetry: Telemetry | None = None
) -> Callable[[], None]:
    """
    Record the requests of *target*, by default of every session; return the undo.

    Of a single session, what goes through the adapters that are mounted now.
    """
    telemetry = telemetry or running.current()
    if telemetry is None or telemetry.disabled:
        return lambda: None
    client = client_of(telemetry, SCOPE)
    if target is None:
        return _method.instrument_all(client)
    undos = [_method.instrument(adapter, client) for adapter in target.adapters.values()]

    def undo() -> None:
        for each in undos:
            each()

    return undo


def uninstrument(target: requests.Session | None = None) -> None:
    """Stop recording *target*, by default every session that was not named."""
    if target is None:
        _method.uninstrument_all()
        return
    for adapter in target.adapters.values():
        _method.uninstrument(adapter)
