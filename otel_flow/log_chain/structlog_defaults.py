"""
Our chain as structlog's default, and our processors in whatever chain an app configures.

``structlog.configure`` is not called: an app that asks ``is_configured()`` or calls
``configure_once`` must find structlog untouched. Instead the configuration object gets
a subclass whose settings are properties, so that a ``configure`` or ``reset_defaults``
imported before we started is seen, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from structlog import _config

from otel_flow.log_chain.lines import ConsoleLine, JsonLine


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from structlog.typing import Processor


_RENDERERS = (
    structlog.processors.JSONRenderer,
    structlog.processors.KeyValueRenderer,
    structlog.processors.LogfmtRenderer,
    structlog.processors.ExceptionRenderer,
    structlog.processors.EventRenamer,
    structlog.dev.ConsoleRenderer,
    JsonLine,
    ConsoleLine,
)
_RENDERING = (
    structlog.processors.format_exc_info,
    structlog.stdlib.render_to_log_kwargs,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
)


class Defaults:
    """What structlog uses while the app has configured nothing, and what joins the app's chain."""

    def __init__(
        self,
        *,
        processors: Iterable[Processor],
        joining: Iterable[Processor],
        last: Processor,
        wrapper_class: type,
        logger_factory: Callable[..., Any],
    ) -> None:
        self.processors = list(processors)
        self.joining = list(joining)
        self.last = last
        self.wrapper_class = wrapper_class
        self.logger_factory = logger_factory

    def joined(self, processors: Iterable[Processor]) -> list[Processor]:
        """Return *processors* with ours before the first that renders, so that they see the event whole."""
        ours = [*self.joining, self.last]
        chain = [processor for processor in processors if processor not in ours]
        at = next((i for i, p in enumerate(chain) if _renders(p)), max(0, len(chain) - 1))
        return [*chain[:at], *self.joining, *chain[at:], self.last]


def _renders(processor: Processor) -> bool:
    return isinstance(processor, _RENDERERS) or processor in _RENDERING


_BASE = type(_config._CONFIG)
_BOUND = {
    "default_processors": "processors",
    "default_wrapper_class": "wrapper_class",
    "logger_factory": "logger_factory",
}
"""structlog's name of a setting → the field of `Defaults` that serves while it is not set."""


def install_defaults(defaults: Defaults) -> Callable[[], None]:
    """Put *defaults* under structlog's configuration and return the undo."""
    config: Any = _config._CONFIG
    bound_already = config.default_processors
    before = list(bound_already)
    # Loggers that were bound before us hold this very list.
    own = defaults.joined(before) if config.is_configured else defaults.processors
    if isinstance(bound_already, list):
        bound_already[:] = own
    config.__dict__["default_processors"] = before
    config.__class__ = _configuration_class(defaults)

    def undo() -> None:
        config.__class__ = _BASE
        if isinstance(bound_already, list):
            bound_already[:] = before
        if not config.is_configured:
            config.__dict__["default_processors"] = bound_already

    return undo


def _configuration_class(defaults: Defaults) -> type:
    properties = {name: _property(name, field, defaults) for name, field in _BOUND.items()}
    return type("FlowConfiguration", (_BASE,), properties)


def _property(name: str, field: str, defaults: Defaults) -> property:
    def read(config: Any) -> Any:
        if not config.is_configured:
            return getattr(defaults, field)
        value = config.__dict__.get(name, getattr(_BASE, name))
        return defaults.joined(value) if name == "default_processors" else value

    def write(config: Any, value: Any) -> None:
        config.__dict__[name] = value

    return property(read, write)
