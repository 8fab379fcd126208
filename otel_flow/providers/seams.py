"""
The private parts of the SDK that our short paths build on, tried out once at start.

Where one is missing, in a version of the SDK that is newer than those we know, upstream's
own path is taken, and one warning says so.
"""

from __future__ import annotations

import functools
import importlib
import logging

from importlib.metadata import version
from typing import Any


logger = logging.getLogger("otel_flow")


@functools.cache
def metric_path() -> Any:
    """Return the module of bound instruments, None where the SDK does not carry it."""
    return _tried("otel_flow.providers.handles", "metrics are")


@functools.cache
def span_path() -> Any:
    """Return the module of lean spans, None where the SDK does not carry it."""
    return _tried("otel_flow.providers.tracer", "spans are")


def _tried(name: str, what: str) -> Any:
    # A seam can be missing in any way: a name, an argument, a field, a meaning.
    try:
        module = importlib.import_module(name)
        module.probe()
    except Exception as error:
        logger.warning(
            "%s recorded by upstream's own, slower path: opentelemetry-sdk %s is not as expected (%s)",
            what,
            version("opentelemetry-sdk"),
            error,
        )
        return None
    return module
