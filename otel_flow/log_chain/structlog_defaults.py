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

from otel_flow.log_chain.proxies import join_proxies


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
_BUILTIN = {
    name: getattr(_BASE, name)
    for name in ("default_processors", "default_wrapper_class", "logger_factory")
}
"""structlog's own defaults, which ``reset_defaults`` sets."""
_BUILTIN_PROCESSORS = list(_BUILTIN["default_processors"])


def install_defaults(defaults: Defaults) -> Callable[[], None]:
    """Put *defaults* under structlog's configuration and return the undo."""
    config: Any = _config._CONFIG
    bound_already = config.default_processors
    before = list(bound_already)
    chains = _Chains(defaults)
    # Loggers that were bound before us hold this very list.
    if isinstance(bound_already, list):
        if not config.is_configured or before == _BUILTIN_PROCESSORS:
            bound_already[:] = defaults.processors
        else:
            bound_already[:] = defaults.foreign.joined(before)
            chains.joined = bound_already
    was_set = "default_processors" in config.__dict__
    config.__class__ = _configuration_class(chains)
    undo_proxies = join_proxies(defaults.processors, defaults.foreign, defaults.wrapper_class)

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
    if not isinstance(processors, list):
        return processors
    whole = defaults.foreign.without(processors)
    processors[:] = [each for each in whole if each not in defaults.processors]
    if not processors:
        processors[:] = _BUILTIN_PROCESSORS
    return processors


class _Chains:
    """The processors of the application with ours among them, made once for each list of its own."""

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self.joined: Any = None
        """The list that was made last."""
        self._known: tuple[Any, Any, Any] = None, None, None

    def read(self, config: Any) -> Any:
        """Return the processors that are in effect."""
        source = config.__dict__.get("default_processors")
        if source is None or not config.is_configured:
            return self._defaults.processors
        known, seen, joined = self._known
        if source is known and source == seen:
            return joined
        joined = self._join(source)
        self._known = source, source[:] if isinstance(source, list) else source, joined
        return joined

    def _join(self, source: Any) -> Any:
        chain = list(source)
        if chain == _BUILTIN_PROCESSORS:
            return self._defaults.processors
        own = any(processor in self._defaults.processors for processor in chain)
        if own or self._defaults.foreign.is_complete(chain):
            # structlog.testing works on the very list that it got.
            return source
        self.joined = self._defaults.foreign.joined(chain)
        return self.joined

    def wrapper_class(self, config: Any) -> Any:
        """Return the class of loggers: the levels of an application's own chain are its own business."""
        value = config.__dict__.get("default_wrapper_class", _BUILTIN["default_wrapper_class"])
        is_set = config.is_configured and value is not _BUILTIN["default_wrapper_class"]
        return value if is_set or self._is_theirs(config) else self._defaults.wrapper_class

    def _is_theirs(self, config: Any) -> bool:
        return self.joined is not None and self.read(config) is self.joined

    def logger_factory(self, config: Any) -> Any:
        """Return what makes the loggers at the end; ours have names."""
        value = config.__dict__.get("logger_factory", _BUILTIN["logger_factory"])
        is_set = config.is_configured and value is not _BUILTIN["logger_factory"]
        return value if is_set else self._defaults.logger_factory


def _configuration_class(chains: _Chains) -> type:
    properties = {
        "default_processors": property(chains.read, _writer("default_processors")),
        "default_wrapper_class": property(chains.wrapper_class, _writer("default_wrapper_class")),
        "logger_factory": property(chains.logger_factory, _writer("logger_factory")),
    }
    return type("FlowConfiguration", (_BASE,), properties)


def _writer(name: str) -> Callable[[Any, Any], None]:
    def write(config: Any, value: Any) -> None:
        config.__dict__[name] = value

    return write
