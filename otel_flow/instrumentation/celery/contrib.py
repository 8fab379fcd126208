"""Contrib's Celery instrumentation, which is kept out: every task would have two spans a side."""

from __future__ import annotations

import functools
import logging

from typing import TYPE_CHECKING, Any

from wrapt import register_post_import_hook


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


logger = logging.getLogger("otel_flow.instrumentation")

_MODULE = "opentelemetry.instrumentation.celery"


def keep_out() -> Callable[[], None]:
    """Take contrib's instrumentation out if it is in, and let it in no more; return the undo."""
    undos: list[Callable[[], None]] = []
    active = [True]

    def patch(module: ModuleType) -> None:
        if not active:
            return
        kind = module.CeleryInstrumentor
        if kind().is_instrumented_by_opentelemetry:
            kind().uninstrument()
            logger.warning("contrib's Celery instrumentation is taken out: ours is on")
        undos.append(_refuse(kind))

    def undo() -> None:
        active.clear()
        while undos:
            undos.pop()()

    register_post_import_hook(patch, _MODULE)
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
