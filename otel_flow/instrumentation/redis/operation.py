"""
What a command is called: a name from a bounded set, never an argument.

Whatever an application passes as a command becomes ``db.operation.name``, so a word is
taken as a name only if it looks like one, and a second word only after those commands
that have subcommands.
"""

from __future__ import annotations

import functools
import re

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


OTHER = "_OTHER"
"""Stands for commands that do not look like any (as in the conventions for HTTP methods)."""

_NAME = re.compile(r"[A-Z][A-Z0-9._-]{0,31}", re.ASCII)

_WITH_SUBCOMMANDS = frozenset(
    {
        *("ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY"),
        *("MEMORY", "MODULE", "OBJECT", "PUBSUB", "SCRIPT", "SENTINEL", "SLOWLOG", "XGROUP"),
        *("XINFO", "HIMPORT", "FT.CONFIG", "FT.CURSOR"),
    }
)
_SUBCOMMAND = re.compile(r"[A-Z]{2,16}(-[A-Z]{2,16}){0,3}", re.ASCII)

_BLOCKING = frozenset(
    {
        *("BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "BZMPOP"),
        *("WAIT", "WAITAOF"),
    }
)
_MAY_BLOCK = frozenset({"XREAD", "XREADGROUP"})
_BLOCK = frozenset({"BLOCK", b"BLOCK", "block", b"block"})
_OPTIONS = _BLOCK | {"STREAMS", b"STREAMS", "streams", b"streams"}


def operation_of(command: Any) -> str:
    """Return the name of *command*, the first argument that redis-py gets."""
    if isinstance(command, bytes | bytearray | memoryview):
        command = bytes(command).decode("ascii", "replace")
    return _operation_in(command[:80]) if isinstance(command, str) else OTHER


@functools.lru_cache(maxsize=1024)
def _operation_in(text: str) -> str:
    first, _, rest = text.upper().partition(" ")
    if not _NAME.fullmatch(first):
        return OTHER
    second = rest.partition(" ")[0]
    if first in _WITH_SUBCOMMANDS and _SUBCOMMAND.fullmatch(second):
        return f"{first} {second}"
    return first


def pipeline_of(commands: Iterable[Any], prefix: str) -> str:
    """
    Return the name of a pipeline of *commands*: *prefix*, with the command if all are the same.

    The prefix is ``MULTI`` for a transaction and ``PIPELINE`` otherwise, as the
    conventions for Redis have it.
    """
    try:
        different = set(commands)
    except TypeError:
        # Some kinds of buffers cannot be in a set.
        different = set(map(operation_of, commands))
    names = {operation_of(command) for command in different}
    return f"{prefix} {names.pop()}" if len(names) == 1 else prefix


def may_block(operation: str) -> bool:
    """Return whether it depends on the arguments of *operation* if it blocks."""
    return operation in _MAY_BLOCK


def is_blocking(operation: str, arguments: Sequence[Any]) -> bool:
    """Return whether *operation* waits at the server until something happens."""
    if operation not in _MAY_BLOCK:
        return operation in _BLOCKING
    for argument in arguments[1:]:
        if isinstance(argument, str | bytes) and argument in _OPTIONS:
            # What follows STREAMS are names of streams.
            return argument in _BLOCK
    return False
