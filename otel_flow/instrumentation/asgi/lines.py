"""The log lines of a server: access, slow requests and exceptions."""

from __future__ import annotations

import logging

from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.instrumentation.asgi.failure import single
from otel_flow.log_chain.reported import mark_reported
from otel_flow.names import http as names


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.instrumentation.asgi.exchange import Exchange
    from otel_flow.instrumentation.asgi.metrics import Series
    from otel_flow.log_chain.recurring import RecurringEvent
    from otel_flow.telemetry import Telemetry


_LOGGER = "otel_flow.http"


class RequestLines:
    """What is logged about a request; nothing here can raise into it."""

    def __init__(self, telemetry: Telemetry) -> None:
        settings = telemetry.settings
        self._access = settings.access_log
        self._event: RecurringEvent | None = None
        if self._access:
            self._event = telemetry.recurring(_LOGGER, "info", names.ACCESS.name)
        self._slow = settings.slow_request or float("inf")
        self._logger = structlog.get_logger(_LOGGER)

    def tell(self, seconds: float) -> bool:
        """Return whether there is anything to say of a request that took *seconds*."""
        return self._access or seconds >= self._slow

    def answered_shortly(self, seconds: float, series: Series, exchange: Exchange) -> bool:
        """Log that a request of *series* was answered; return whether that is all there is to do."""
        event = self._event
        if event is None or seconds >= self._slow:
            return False
        # As in `_log`, which then tries it once more.
        try:
            masked = series.masked
            if masked is None:
                masked = series.masked = event.masked(series.told)
            span = exchange.span.get_span_context()
            return event.tell(masked, exchange.own(seconds), span, exchange.context)
        except Exception:
            return False

    def answered(self, seconds: float, keys: Callable[[], dict[str, Any]]) -> None:
        """Log that a request was answered, and that it was slow if it was; *keys* names it."""
        if self._access:
            self._log("info", names.ACCESS.name, keys())
        if seconds >= self._slow:
            self._log("warning", names.SLOW_REQUEST.name, keys())

    def closed(self, keys: Callable[[], dict[str, Any]]) -> None:
        """Log that a WebSocket connection has ended; *keys* names it."""
        if self._access:
            self._log("info", names.CONNECTION.name, keys())

    def failed(self, error: BaseException, keys: Callable[[], dict[str, Any]]) -> None:
        """Log an exception that left the application, once."""
        cause = single(error)
        self._log("error", names.EXCEPTION.name, keys() | {"exc_info": cause})
        for reported in (error, cause):
            mark_reported(reported)

    def left(self, error: BaseException) -> None:
        """Keep the server's own traceback of *error* back: a client that leaves is no error."""
        mark_reported(error)

    def _log(self, level: str, event: str, keys: dict[str, Any]) -> None:
        # The chain may hold processors of the application, which raise what they like.
        try:
            getattr(self._logger, level)(event, **keys)
        except Exception:
            logging.getLogger(__name__).debug("a line was not written", exc_info=True)
