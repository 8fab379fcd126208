"""``/metrics`` as an ASGI or a WSGI application."""

from __future__ import annotations

import asyncio
import hmac
import logging

from typing import TYPE_CHECKING, Any

from otel_flow import telemetry as running
from otel_flow.prometheus.registry import TelemetryRegistry, render


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping

    from otel_flow.telemetry import Telemetry

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Answer = tuple[int, list[tuple[str, str]], bytes]


logger = logging.getLogger("otel_flow.prometheus")

_REASONS = {200: "OK", 401: "Unauthorized", 405: "Method Not Allowed", 500: "Internal Server Error"}


class Endpoint:
    """Answers scrapes of one telemetry, with *token* only those who bring it."""

    def __init__(self, telemetry: Telemetry | None, token: str | None) -> None:
        handle = telemetry or running.current()
        self._registry = TelemetryRegistry(handle)
        if token is None and handle is not None:
            token = handle.settings.prometheus_token
        self._authorization = None if token is None else f"Bearer {token}".encode()

    def answer(self, method: str, headers: Mapping[str, str]) -> Answer:
        """Return status, headers and body; *headers* of the request are by lower-case name."""
        if method not in {"GET", "HEAD"}:
            return 405, [("allow", "GET, HEAD")], b""
        if self._authorization is not None:
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._authorization):
                return 401, [("www-authenticate", "Bearer")], b""
        # Callbacks of the application run in here.
        try:
            body, answered = render(
                self._registry, headers.get("accept", ""), headers.get("accept-encoding", "")
            )
        except Exception as error:
            logger.warning("a scrape failed: %s: %s", type(error).__name__, error)
            return 500, [("content-type", "text/plain")], b"the scrape failed, see the log\n"
        return 200, answered, b"" if method == "HEAD" else body


def asgi_app(
    telemetry: Telemetry | None = None, *, token: str | None = None
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """
    Return an ASGI application that answers scrapes, to be mounted at ``/metrics``.

    Of *telemetry*, by default the running one. With *token*, by default
    OTEL_FLOW_PROMETHEUS_TOKEN, only for ``Authorization: Bearer <token>``. It works on a
    thread, so that the event loop goes on. For one process: with several workers each
    scrape would reach one of them; send OTLP to the Collector then.

    Raises `NotConfiguredError` before `otel_flow.configure`, and `NothingToScrapeError`
    where no cumulative metrics are collected.
    """
    endpoint = Endpoint(telemetry, token)

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        status, answered, body = await asyncio.to_thread(endpoint.answer, scope["method"], headers)
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    return app


def wsgi_app(
    telemetry: Telemetry | None = None, *, token: str | None = None
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """Return a WSGI application that answers scrapes; see `asgi_app`."""
    endpoint = Endpoint(telemetry, token)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name[len("HTTP_") :].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        status, answered, body = endpoint.answer(environ["REQUEST_METHOD"], headers)
        start_response(f"{status} {_REASONS[status]}", answered)
        return [body]

    return app
