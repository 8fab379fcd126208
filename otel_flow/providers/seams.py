"""
The private parts of the SDK that our providers and short paths build on, tried out once at start.

Where one is missing, in a version of the SDK that is newer than those we know, upstream's
own path is taken, and one warning says so.
"""

from __future__ import annotations

import functools
import importlib
import logging

from importlib.metadata import version
from typing import Any, Literal


logger = logging.getLogger("otel_flow")

_SLOWER = "recorded by upstream's own, slower path"
_PLAIN = (
    "held by upstream's own provider, whose forked children have its values and ids,"
    " and whose processors and readers of others see secrets"
)


@functools.cache
def metric_path() -> Any:
    """Return the module of bound instruments, None where the SDK does not carry it."""
    return _tried("otel_flow.providers.handles", f"metrics are {_SLOWER}")


@functools.cache
def span_path() -> Any:
    """Return the module of lean spans, None where the SDK does not carry it."""
    return _tried("otel_flow.providers.tracer", f"spans are {_SLOWER}")


@functools.cache
def carries(signal: Literal["traces", "metrics", "logs"]) -> bool:
    """Return whether the SDK carries our provider of *signal*; else its own is to be built."""
    return _tried(f"otel_flow.providers.{signal}", f"{signal} are {_PLAIN}") is not None


def _tried(name: str, what: str) -> Any:
    # A seam can be missing in any way: a name, an argument, a field, a meaning.
    try:
        module = importlib.import_module(name)
        module.probe()
    except Exception as error:
        logger.warning(
            "%s: opentelemetry-sdk %s is not as expected (%s)",
            what,
            version("opentelemetry-sdk"),
            error,
        )
        return None
    return module
