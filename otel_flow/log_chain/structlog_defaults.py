"""
Our chain as structlog's default, and our processors in whatever chain an app configures.

``structlog.configure`` is not called: an app that asks ``is_configured()`` or calls
``configure_once`` must find structlog untouched. Instead the configuration object gets
a subclass whose settings are properties, so that a ``configure`` or ``reset_defaults``
imported before we started is seen, too. What the application has not set, setting by
setting, is ours.
"""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any

from structlog import _config


if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import Processor

    from otel_flow.log_chain.foreign import Foreign


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Defaults:
    """What structlog uses where the app has set nothing, and what joins the app's chain."""

    processors: list[Processor]
    foreign: Foreign
    wrapper_class: type
    logger_factory: Callable[..., Any]


_BASE = type(_config._CONFIG)
_FIELDS = {
    "default_processors": "processors",
    "default_wrapper_class": "wrapper_class",
    "logger_factory": "logger_factory",
}
"""structlog's name of a setting → the field of `Defaults` that serves while it is not set."""
_BUILTIN = {name: getattr(_BASE, name) for name in _FIELDS}
"""structlog's own defaults, which ``reset_defaults`` sets."""
_BUILTIN_PROCESSORS = list(_BUILTIN["default_processors"])


def install_defaults(defaults: Defaults) -> Callable[[], None]:
    """Put *defaults* under structlog's configuration and return the undo."""
    config: Any = _config._CONFIG
    bound_already = config.default_processors
    before = list(bound_already)
    # Loggers that were bound before us hold this very list.
    if isinstance(bound_already, list):
        is_own = not config.is_configured or before == _BUILTIN_PROCESSORS
        bound_already[:] = defaults.processors if is_own else defaults.foreign.joined(before)
    was_set = "default_processors" in config.__dict__
    config.__class__ = _configuration_class(defaults, config)
    undo_proxies = _join_proxies(defaults)

    def undo() -> None:
        undo_proxies()
        config.__class__ = _BASE
        if isinstance(bound_already, list):
            bound_already[:] = before
        if not was_set and not config.is_configured:
            config.__dict__.pop("default_processors", None)
        elif own := config.__dict__.get("default_processors"):
            config.__dict__["default_processors"] = _without(own, defaults)

    return undo


def _without(processors: Any, defaults: Defaults) -> Any:
    """Return *processors* as they are without ours, the same list where it is one."""
    foreign = defaults.foreign
    ours = [*defaults.processors, foreign.keep, foreign.export, foreign.finish]
    if not isinstance(processors, list):
        return processors
    processors[:] = [processor for processor in processors if processor not in ours]
    if not processors:
        processors[:] = _BUILTIN_PROCESSORS
    return processors


def _configuration_class(defaults: Defaults, config: Any) -> type:
    chains = _Chains(defaults)
    properties: dict[str, Any] = {
        name: _property(name, field, defaults) for name, field in _FIELDS.items()
    }
    properties["default_processors"] = property(chains.read, _writer("default_processors"))
    del config
    return type("FlowConfiguration", (_BASE,), properties)


class _Chains:
    """The processors of the application with ours among them, made once for each list of its own."""

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._source: Any = None
        self._seen: list[Processor] = []
        self._joined: Any = None

    def read(self, config: Any) -> Any:
        """Return the processors that are in effect."""
        source = config.__dict__.get("default_processors")
        if source is None or not config.is_configured:
            return self._defaults.processors
        if source is self._source and source == self._seen:
            return self._joined
        self._joined = self._join(source)
        self._source, self._seen = source, list(source)
        return self._joined

    def _join(self, source: Any) -> Any:
        chain = list(source)
        if chain == _BUILTIN_PROCESSORS:
            return self._defaults.processors
        own = any(processor in self._defaults.processors for processor in chain)
        if own or self._defaults.foreign.is_complete(chain):
            # structlog.testing works on the very list that it got.
            return source
        return self._defaults.foreign.joined(chain)


def _property(name: str, field: str, defaults: Defaults) -> property:
    def read(config: Any) -> Any:
        value = config.__dict__.get(name, _BUILTIN[name])
        if not config.is_configured or value is _BUILTIN[name]:
            return getattr(defaults, field)
        return value

    return property(read, _writer(name))


def _writer(name: str) -> Callable[[Any, Any], None]:
    def write(config: Any, value: Any) -> None:
        config.__dict__[name] = value

    return write


def _join_proxies(defaults: Defaults) -> Callable[[], None]:
    """Put our processors into loggers that were made with processors of their own; return the undo."""
    proxy: Any = _config.BoundLoggerLazyProxy
    original = proxy.bind

    def bind(self: Any, **new_values: Any) -> Any:
        processors = self._processors
        if processors is not None and not any(p in processors for p in defaults.processors):
            # A generator would be used up.
            chain = self._processors = list(processors)
            bound_to = defaults.foreign.joined(chain)
            self._processors = bound_to
            try:
                return original(self, **new_values)
            finally:
                self._processors = chain
        return original(self, **new_values)

    proxy.bind = bind

    def undo() -> None:
        if proxy.bind is bind:
            proxy.bind = original

    return undo
