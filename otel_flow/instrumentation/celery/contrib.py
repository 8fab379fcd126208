"""Contrib's Celery instrumentation, which is kept out: every task would have two spans a side."""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

from otel_flow.instrumentation.arrival import when_imported


if TYPE_CHECKING:
    from collections.abc import Callable


logger = logging.getLogger("otel_flow.instrumentation")

_MODULE = "opentelemetry.instrumentation.celery"


def keep_out() -> Callable[[], None]:
    """Take contrib's instrumentation out if it is in, and let it in no more; return the undo."""
    undos: list[Callable[[], None]] = []

    def patch() -> None:
        kind = sys.modules[_MODULE].CeleryInstrumentor
        if kind().is_instrumented_by_opentelemetry:
            kind().uninstrument()
            logger.warning("contrib's Celery instrumentation is taken out: ours is on")
        undos.append(_refuse(kind))

    def undo() -> None:
        while undos:
            undos.pop()()

    undos.append(when_imported(_MODULE, patch))
    return undo


def _refuse(kind: Any) -> Callable[[], None]:
    original = kind._instrument

    @functools.wraps(original)
    def instrument(_instrumentor: Any, **_keywords: Any) -> None:
        logger.warning("contrib's Celery instrumentation is left out: ours is on")

    kind._instrument = instrument

    def undo() -> None:
        kind._instrument = original

    return undo
