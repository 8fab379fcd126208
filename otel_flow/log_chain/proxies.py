"""
structlog's lazy loggers: what ``structlog.get_logger()`` returns before anything is bound to it.

Each call of a method of theirs makes a logger anew, since the configuration may have changed. As
long as the application has configured nothing, it is the same one each time, and is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlog import _config

from otel_flow.log_chain.levels import NUMBERS


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
    get = _keeping(proxy.__getattr__, wrapper_class)
    ours: dict[str, Any] = {
        "bind": _joining(proxy.bind, processors, foreign),
        "__getattr__": get,
        **{name: _Method(name, get) for name in NUMBERS if name not in vars(proxy)},
    }
    original = {name: vars(proxy).get(name) for name in ours}
    for name, method in ours.items():
        setattr(proxy, name, method)

    def undo() -> None:
        for name, method in ours.items():
            if vars(proxy).get(name) is not method:
                continue
            if original[name] is None:
                delattr(proxy, name)
            else:
                setattr(proxy, name, original[name])

    return undo


class _Method:
    """
    A method of loggers on the lazy ones, found without the error that precedes ``__getattr__``.

    What an instance is given under the name, a mock say, comes first, as it does without.
    """

    __slots__ = ("_get", "_name")

    def __init__(self, name: str, get: Callable[[Any, str], Any]) -> None:
        self._name = name
        self._get = get

    def __get__(self, lazy: Any, _kind: type) -> Any:
        if lazy is None:
            raise AttributeError(self._name)
        return self._get(lazy, self._name)


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
