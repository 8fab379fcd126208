"""
structlog's lazy loggers: what ``structlog.get_logger()`` returns before anything is bound to it.

Each call of a method of theirs makes a logger anew, since the configuration may have changed. As
long as the application has configured nothing, it is the same one each time, and is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlog import _config


if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import Processor

    from otel_flow.log_chain.foreign import Foreign


_LOGGERS = 1000
"""Loggers are named by code; a name made of data must not fill the memory."""


def join_proxies(
    processors: list[Processor], foreign: Foreign, wrapper_class: type
) -> Callable[[], None]:
    """
    Put our *processors* into lazy loggers that were made with processors of their own.

    What others make is kept where it is a *wrapper_class*, ours. Returns the undo.
    """
    proxy: Any = _config.BoundLoggerLazyProxy
    original = {name: getattr(proxy, name) for name in ("bind", "__getattr__")}
    ours = {
        "bind": _joining(original["bind"], processors, foreign),
        "__getattr__": _keeping(original["__getattr__"], wrapper_class),
    }
    for name, method in ours.items():
        setattr(proxy, name, method)

    def undo() -> None:
        for name, method in ours.items():
            if getattr(proxy, name) is method:
                setattr(proxy, name, original[name])

    return undo


def _joining(
    original: Callable[..., Any], ours: list[Processor], foreign: Foreign
) -> Callable[..., Any]:
    def bind(self: Any, **new_values: Any) -> Any:
        processors = self._processors
        if processors is not None and not any(p in processors for p in ours):
            # A generator would be used up.
            chain = self._processors = list(processors)
            self._processors = foreign.joined(chain)
            try:
                return original(self, **new_values)
            finally:
                self._processors = chain
        return original(self, **new_values)

    return bind


def _keeping(original: Callable[[Any, str], Any], wrapper_class: type) -> Callable[..., Any]:
    config = _config._CONFIG
    lazy = _config.BoundLoggerLazyProxy
    kept: dict[Any, Any] = {}

    def get(self: Any, name: str) -> Any:
        if (
            config.is_configured
            or type(self) is not lazy
            or self._processors is not None
            or self._initial_values
            or self._wrapper_class is not None
            or self._context_class is not None
            or self._logger is not None
            or self._cache_logger_on_first_use
        ):
            return original(self, name)
        arguments = self._logger_factory_args
        # Whatever can be a name; what cannot be a key is asked about each time.
        try:
            bound = kept.get(arguments)
        except TypeError:
            return original(self, name)
        if bound is None:
            bound = self.bind()
            if type(bound) is wrapper_class and all(type(each) is str for each in arguments):
                if len(kept) >= _LOGGERS:
                    kept.clear()
                kept[arguments] = bound
        return getattr(bound, name)

    return get
