"""Levels below which events are dropped: one for all, and one for each logger that has its own."""

from __future__ import annotations

import functools
import logging

from typing import TYPE_CHECKING, Any

import structlog


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
    "httpx",
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
        self._before: dict[str | None, int] = {}

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
        self._before.setdefault(name, logger.level)
        logger.setLevel(level)

    def restore(self) -> None:
        """Give every logger the level it had."""
        while self._before:
            name, level = self._before.popitem()
            logging.getLogger(name).setLevel(level)


_NUMBERS = {
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


def build_wrapper_class(levels: Levels) -> type:
    """Return structlog's filtering logger with *levels* that are looked up at each event."""
    base: Any = structlog.make_filtering_bound_logger(logging.NOTSET)
    methods: dict[str, Any] = {}
    for name, number in _NUMBERS.items():
        for method in (name, f"a{name}"):
            if hasattr(base, method):
                methods[method] = _filtered(getattr(base, method), number, levels)
    for method in ("log", "alog"):
        methods[method] = _filtered_by_argument(getattr(base, method), levels)
    methods["is_enabled_for"] = lambda self, level: level >= levels[_name_of(self)]
    methods["get_effective_level"] = lambda self: levels[_name_of(self)]
    return type("FlowBoundLogger", (base,), methods)


def _name_of(bound: Any) -> str | None:
    return getattr(bound._logger, "name", None)


def _filtered(original: Callable[..., Any], number: int, levels: Levels) -> Callable[..., Any]:
    nothing = _nothing_awaited if original.__name__.startswith("a") else _nothing

    @functools.wraps(original)
    def method(self: Any, event: Any = None, *arguments: Any, **values: Any) -> Any:
        if number < levels[getattr(self._logger, "name", None)]:
            return nothing()
        return original(self, event, *arguments, **values)

    return method


def _filtered_by_argument(original: Callable[..., Any], levels: Levels) -> Callable[..., Any]:
    nothing = _nothing_awaited if original.__name__ == "alog" else _nothing

    @functools.wraps(original)
    def method(self: Any, level: int, event: Any, *arguments: Any, **values: Any) -> Any:
        if level < levels[_name_of(self)]:
            return nothing()
        return original(self, level, event, *arguments, **values)

    return method


def _nothing() -> None:
    return None


async def _nothing_awaited() -> None:
    return None
