"""Levels below which events are dropped: one for all, and one for each logger that has its own."""

from __future__ import annotations

import functools
import logging
import sys

from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.log_chain.severity import severity_of_name
from otel_flow.log_chain.values import text


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.log_chain.short import ShortWay


NOISY = (
    "aiokafka",
    "amqp",
    "apscheduler",
    "asyncio",
    "azure.core.pipeline.policies.http_logging_policy",
    "boto3",
    "botocore",
    "google.auth",
    "grpc",
    "h2",
    "hpack",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "kafka",
    "kombu",
    "matplotlib",
    "multipart",
    "openai",
    "parso",
    "PIL",
    "pika",
    "python_multipart",
    "s3transfer",
    "urllib3",
    "watchfiles",
    "websockets",
)
"""Loggers of libraries that narrate what they do; from them warnings are heard, and worse."""

_LOGGERS = 1000
"""Loggers are named by code; a name made of data must not fill the memory."""


class Levels(dict[Any, int]):
    """
    The level of each logger, by name: its own, else that of the nearest logger above it.

    *levels* of single loggers win over *level*. Both are changed at run time by `set`.
    """

    def __init__(self, level: str, levels: Mapping[str, str]) -> None:
        super().__init__()
        self.default = number_of(level)
        self.own = {name: number_of(own) for name, own in levels.items()}

    def __missing__(self, name: Any) -> int:
        level = self._find(name) if isinstance(name, str) else self.default
        if len(self) < _LOGGERS:
            self[name] = level
        return level

    def _find(self, name: str) -> int:
        while name:
            if name in self.own:
                return self.own[name]
            name = name.rpartition(".")[0]
        return self.default

    def set(self, level: str, logger: str | None) -> None:
        """Set the *level* of *logger* and of those below it, None for all that have none of their own."""
        number = number_of(level)
        if logger is None:
            self.default = number
        else:
            self.own[logger] = number
        self.clear()


def number_of(level: str) -> int:
    """Return logging's number of *level*; raises `ValueError` for a name that it does not know."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is no level; there are DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return number


class StandardLevels:
    """The levels of stdlib loggers as `Levels` have them, and their undo."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._changed: dict[str | None, tuple[int, int]] = {}
        """Name → the level that was there, and ours."""

    def apply(self) -> None:
        """Set the levels that were asked for, and quieten noisy libraries that have none."""
        for name, level in self._levels.own.items():
            self.set(name, level)
        for name in NOISY:
            if name not in self._levels.own and logging.getLogger(name).level == logging.NOTSET:
                self.set(name, max(logging.WARNING, self._levels.default))

    def set(self, name: str | None, level: int) -> None:
        """Set the level of logger *name*, None for the root logger."""
        logger = logging.getLogger(name)
        before, _ = self._changed.get(name, (logger.level, level))
        self._changed[name] = before, level
        logger.setLevel(level)

    def restore(self) -> None:
        """Give every logger the level it had, where nobody has set another since."""
        while self._changed:
            name, (before, ours) = self._changed.popitem()
            logger = logging.getLogger(name)
            if logger.level == ours:
                logger.setLevel(before)


NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "msg": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
"""structlog's methods → the level they log at."""


_METHODS = frozenset(NUMBERS.values())
"""The levels that have a method; those in between are taken for the next one below."""


def build_wrapper_class(levels: Levels, short: ShortWay) -> type:
    """
    Return structlog's filtering logger with *levels* that are looked up at each event.

    Where only our processor is there, an event goes the *short* way, or to the processor at once.
    """
    base: Any = structlog.make_filtering_bound_logger(logging.NOTSET)
    methods: dict[str, Any] = {}
    for name, number in NUMBERS.items():
        filtered = _filtered if name == "exception" else functools.partial(_short, short=short)
        methods[name] = filtered(getattr(base, name), number, levels)
        if hasattr(base, f"a{name}"):
            methods[f"a{name}"] = _filtered(getattr(base, f"a{name}"), number, levels)
    for method in ("log", "alog"):
        methods[method] = _filtered_by_argument(getattr(base, method), levels)
    methods["_proxy_to_logger"] = _passing(base._proxy_to_logger, short)
    methods["is_enabled_for"] = lambda self, level: level >= levels[_name_of(self)]
    methods["get_effective_level"] = lambda self: levels[_name_of(self)]
    short.kind = type("FlowBoundLogger", (base,), methods)
    return short.kind


def _passing(original: Callable[..., Any], short: ShortWay) -> Callable[..., Any]:
    processors, processor = short.processors, short.processor

    def pass_on(self: Any, method_name: str, event: Any = None, /, **values: Any) -> Any:
        chain = self._processors
        # structlog.testing exchanges what is in the list.
        if chain is not processors or len(chain) != 1 or chain[0] is not processor:
            return original(self, method_name, event, **values)
        whole = self._context.copy()
        whole.update(values)
        if event is not None:
            whole["event"] = event
        logger = self._logger
        return getattr(logger, method_name)(processor(logger, method_name, whole))

    return pass_on


def _name_of(bound: Any) -> str | None:
    return getattr(bound._logger, "name", None)


def _filtered(original: Callable[..., Any], number: int, levels: Levels) -> Callable[..., Any]:
    nothing = _nothing_awaited if original.__name__.startswith("a") else _nothing

    @functools.wraps(original)
    def method(self: Any, event: Any = None, *arguments: Any, **values: Any) -> Any:
        if number < levels[_name_of(self)]:
            return nothing()
        if arguments:
            event = _formatted(event, arguments)
        return original(self, event, **values)

    return method


def _short(
    original: Callable[..., Any], number: int, levels: Levels, *, short: ShortWay
) -> Callable[..., Any]:
    name = original.__name__
    severity = severity_of_name(name)
    takes = short.takes

    @functools.wraps(original)
    def method(self: Any, event: Any = None, *arguments: Any, **values: Any) -> Any:
        if number < levels[getattr(self._logger, "name", None)]:
            return None
        if arguments:
            event = _formatted(event, arguments)
        if takes(self, severity, event, values, sys._getframe(1)):
            return None
        return self._proxy_to_logger(name, event, **values)

    return method


def _filtered_by_argument(original: Callable[..., Any], levels: Levels) -> Callable[..., Any]:
    nothing = _nothing_awaited if original.__name__ == "alog" else _nothing

    @functools.wraps(original)
    def method(self: Any, level: int, event: Any, *arguments: Any, **values: Any) -> Any:
        if level < levels[_name_of(self)]:
            return nothing()
        if arguments:
            event = _formatted(event, arguments)
        known = max((each for each in _METHODS if each <= level), default=logging.DEBUG)
        return original(self, known, event, **values)

    return method


def _formatted(event: Any, arguments: tuple[Any, ...]) -> Any:
    """Return *event* with *arguments* put in; those that do not fit are the caller's mistake, and shown."""
    try:
        if len(arguments) == 1 and isinstance(arguments[0], dict):
            return event % arguments[0]
        return event % arguments
    except Exception:
        return f"{text(event)} {text(arguments)}"


def _nothing() -> None:
    return None


async def _nothing_awaited() -> None:
    return None
