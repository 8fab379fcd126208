"""The context in which the engine works: nothing it does is instrumented."""

from __future__ import annotations

import contextlib

from typing import TYPE_CHECKING

from opentelemetry import context as context_api
from opentelemetry.context import attach, detach, set_value


if TYPE_CHECKING:
    from collections.abc import Iterator


PLAIN_SUPPRESSED = "suppress_instrumentation"
"""The key that instrumentations write out; the API's own is another in each process."""

SUPPRESSED: str = getattr(context_api, "_SUPPRESS_INSTRUMENTATION_KEY", PLAIN_SUPPRESSED)
HTTP_SUPPRESSED: str = getattr(
    context_api, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "suppress_http_instrumentation"
)


@contextlib.contextmanager
def suppressed() -> Iterator[None]:
    """Do what follows without spans, as instrumentations that ask the context see it."""
    context = set_value(SUPPRESSED, True, set_value(PLAIN_SUPPRESSED, True))
    token = attach(set_value(HTTP_SUPPRESSED, True, context))
    try:
        yield
    finally:
        detach(token)
