"""Where chunks go: the OTLP endpoint of one signal."""

from __future__ import annotations

import time

from typing import TYPE_CHECKING, Protocol

from otel_flow.delivery.transport import TransportError
from otel_flow.delivery.verdict import Verdict, judge
from otel_flow.names.delivery import EXPORTER_TYPES


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.delivery.chunk import Chunk
    from otel_flow.delivery.transport import Transport


class Outlet(Protocol):
    """Takes chunks, one at a time; whatever goes wrong is a verdict, never an exception."""

    component_type: str
    """Its type by the semantic conventions (``otel.component.type``)."""
    endpoint: str
    """Whom it sends to, empty where only the outlet knows."""
    on_request: Callable[[float, int | None, str | None], None]
    """Called with the seconds, the status if there was an answer, and the error if there was one."""
    takes_nothing: bool
    """Whether a request without items can be sent, to see whether there is an answer."""

    def post(self, chunk: Chunk, timeout: float) -> Verdict:
        """Send *chunk* within about *timeout* seconds and return what that came to."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...

    def hold(self) -> None:
        """Have nothing under way that a fork must not copy."""
        ...

    def is_still(self) -> bool:
        """Return whether `hold` has come to its end."""
        ...

    def release(self) -> None:
        """Go on, in the parent, after the fork."""
        ...


class Copyable:
    """An outlet that a fork may copy in whatever it does."""

    def hold(self) -> None:
        """Do nothing."""

    def is_still(self) -> bool:
        """Return True."""
        return True

    def release(self) -> None:
        """Do nothing."""


def ignore_request(seconds: float, status: int | None, error: str | None) -> None:
    """Record nothing of a request, as long as there is no meter provider."""


class HttpOutlet(Copyable):
    """OTLP over HTTP."""

    takes_nothing = True

    def __init__(self, signal: str, endpoint: str, transport: Transport) -> None:
        self.component_type = EXPORTER_TYPES[signal].format("http")
        self.endpoint = endpoint
        self._signal = signal
        self._transport = transport
        self.on_request: Callable[[float, int | None, str | None], None] = ignore_request

    def post(self, chunk: Chunk, timeout: float) -> Verdict:
        """Send *chunk* as one request; *timeout* bounds each wait for the network."""
        started = time.monotonic()
        try:
            answer = self._transport.post(chunk.body, timeout)
        except TransportError as error:
            self.on_request(time.monotonic() - started, None, error.kind)
            return Verdict("retry", str(error), doubtful=error.sent, unreached=error.unreached)
        verdict = judge(self._signal, answer)
        failed = None if verdict.kind == "delivered" else verdict.reason
        self.on_request(time.monotonic() - started, answer.status, failed)
        return verdict

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
