"""`carried`: the current span, request id and log context, taken along to another thread."""

from __future__ import annotations

import contextvars
import functools

from typing import TYPE_CHECKING, ParamSpec, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable


P = ParamSpec("P")
R = TypeVar("R")


def carried(function: Callable[P, R], /) -> Callable[P, R]:
    """
    Return *function* bound to the context that is current now.

    For threads and pools that are not instrumented, and for callbacks that run later:
    ``pool.submit(carried(work), 17)``. Each call runs in a copy, so that calls may overlap.
    `asyncio.to_thread` and, with the ``threads`` instrumentation, `threading.Thread` and
    `concurrent.futures.ThreadPoolExecutor` do it by themselves.
    """
    context = contextvars.copy_context()

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> R:
        return context.copy().run(function, *arguments, **keywords)

    return call
