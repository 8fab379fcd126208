"""What a pipeline holds, which every class of redis-py keeps elsewhere."""

from __future__ import annotations

from typing import Any


def names_in(pipeline: Any) -> list[Any]:
    """Return the first argument of each command that waits in *pipeline*."""
    strategy = getattr(pipeline, "_execution_strategy", None)
    for owner, attribute in (
        (strategy, "_command_queue"),
        (pipeline, "command_stack"),
        (pipeline, "_command_stack"),
    ):
        commands = getattr(owner, attribute, None)
        if commands is not None:
            # Of the sync clients a tuple of arguments and options.
            return [(c[0] if isinstance(c, tuple) else c.args)[0] for c in commands]
    return []


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
