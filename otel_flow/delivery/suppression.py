"""The context in which the engine works: nothing it does is instrumented."""

from __future__ import annotations

import contextlib

from typing import TYPE_CHECKING

from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    attach,
    detach,
    set_value,
)


if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def suppressed() -> Iterator[None]:
    """Do what follows without spans, as instrumentations that ask the context see it."""
    context = set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)
    token = attach(set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, context))
    try:
        yield
    finally:
        detach(token)
