"""What a pipeline holds, which every class of redis-py keeps elsewhere."""

from __future__ import annotations

from typing import Any


def names_in(pipeline: Any) -> list[Any]:
    """Return the first argument of each command that waits in *pipeline*."""
    strategy = getattr(pipeline, "_execution_strategy", None)
    commands = getattr(strategy, "_command_queue", None)
    if commands is None and (commands := getattr(pipeline, "command_stack", None)) is None:
        commands = getattr(pipeline, "_command_stack", None) or ()
    # Of the sync clients a tuple of arguments and options.
    return [c[0][0] if type(c) is tuple else _first(c) for c in commands]


def _first(command: Any) -> Any:
    return (command[0] if isinstance(command, tuple) else command.args)[0]


def prefix_of(pipeline: Any) -> str:
    """Return ``MULTI`` if *pipeline* is a transaction, otherwise ``PIPELINE``."""
    strategy = getattr(pipeline, "_execution_strategy", None)
    if strategy is not None:
        return "MULTI" if type(strategy).__name__ == "TransactionStrategy" else "PIPELINE"
    # The attributes of the sync pipeline, and of the one of asyncio, whose `transaction` is a method.
    is_transaction = getattr(pipeline, "is_transaction", None)
    if is_transaction is None:
        is_transaction = getattr(pipeline, "transaction", False) is True
    explicit = getattr(pipeline, "explicit_transaction", False) is True
    return "MULTI" if is_transaction or explicit else "PIPELINE"
