"""What the status of a gRPC call means for the data that was sent (specification: OTLP/gRPC)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.delivery.verdict import LONGEST_RETRY_AFTER, Verdict
from otel_flow.otlp.wire import WireError, fields


if TYPE_CHECKING:
    from collections.abc import Iterable


_RETRYABLE = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
_BUSY = "RESOURCE_EXHAUSTED"
_NEVER_SENT = ("failed to connect", "connections to all backends failing", "dns")
_TOO_LARGE = "larger than max"
_MAY_BE_ONE_POINT = frozenset({"INVALID_ARGUMENT", "INTERNAL", "UNKNOWN"})
_DETAILS = "grpc-status-details-bin"
_ANY, _VALUE, _TYPE = 3, 2, 1
_RETRY_INFO = b"google.rpc.RetryInfo"
_DELAY, _SECONDS, _NANOS = 1, 1, 2


def judge_code(signal: str, code: str, details: str, retry_after: float | None) -> Verdict:
    """Return what *code* means; RESOURCE_EXHAUSTED is for later only where it says when."""
    reason = f"gRPC {code}"
    if code == _BUSY and _TOO_LARGE in details:
        return Verdict("split", reason)
    if code in _RETRYABLE or (code == _BUSY and retry_after is not None):
        lowered = details.lower()
        sent = code != _BUSY and not any(text in lowered for text in _NEVER_SENT)
        return Verdict("retry", f"{reason}: {details}", retry_after=retry_after, doubtful=sent)
    if signal == "metrics" and code in _MAY_BE_ONE_POINT:
        return Verdict("split", reason)
    return Verdict("rejected", reason)


def retry_delay(metadata: Iterable[tuple[str, str | bytes]] | None) -> float | None:
    """Return the seconds that the ``RetryInfo`` among the details of a status asks for."""
    for key, value in metadata or ():
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return _retry_info(value)
            except WireError:
                return None
    return None


def _retry_info(status: bytes) -> float | None:
    for field in fields(status):
        if field.number == _ANY and isinstance(field.value, bytes):
            parts = {part.number: part.value for part in fields(field.value)}
            kind, value = parts.get(_TYPE), parts.get(_VALUE, b"")
            if isinstance(kind, bytes) and kind.endswith(_RETRY_INFO) and isinstance(value, bytes):
                return _delay(value)
    return None


def _delay(info: bytes) -> float | None:
    for field in fields(info):
        if field.number == _DELAY and isinstance(field.value, bytes):
            parts = {part.number: part.value for part in fields(field.value)}
            seconds, nanos = parts.get(_SECONDS, 0), parts.get(_NANOS, 0)
            if isinstance(seconds, int) and isinstance(nanos, int):
                return min(seconds + nanos / 1e9, LONGEST_RETRY_AFTER)
    return None
