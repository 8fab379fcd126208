"""Answers to export requests (opentelemetry-proto, collector)."""

from __future__ import annotations

from typing import NamedTuple

from otel_flow.otlp.wire import WireError, fields


_PARTIAL_SUCCESS = 1
_REJECTED, _MESSAGE = 1, 2
_INT64 = 2**63


class PartialSuccess(NamedTuple):
    """How many items a backend has refused of a request that it took, and what it says."""

    rejected: int = 0
    message: str = ""


def parse_response(body: bytes) -> PartialSuccess:
    """
    Return the ``partial_success`` of an export response of any signal, empty where it has none.

    The three responses have the same shape. Never raises: a backend that answers success
    has taken the data, whatever it says in the body.
    """
    rejected, said = 0, b""
    try:
        for outer in fields(body):
            if outer.number == _PARTIAL_SUCCESS and isinstance(outer.value, bytes):
                for field in fields(outer.value):
                    if field.number == _REJECTED and isinstance(field.value, int):
                        rejected = field.value
                    elif field.number == _MESSAGE and isinstance(field.value, bytes):
                        said = field.value
    except WireError:
        return PartialSuccess()
    # A negative number makes no sense, and is one of two's complement here.
    return PartialSuccess(rejected if rejected < _INT64 else 0, said.decode(errors="replace"))
