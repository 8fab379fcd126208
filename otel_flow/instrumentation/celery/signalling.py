"""Celery's signals: received as by anybody, and sent without detours where nobody else receives them."""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any

from celery.app import trace


if TYPE_CHECKING:
    from collections.abc import Callable

    from celery.utils.dispatch import Signal


def receive(signal: Signal, receiver: Callable[..., None]) -> Callable[[], None]:
    """Have *receiver* called for *signal*; return the undo."""
    signal.connect(receiver, weak=False)
    return functools.partial(signal.disconnect, receiver)


def receive_often(
    signal: Signal, receiver: Callable[..., None], used_as: str = ""
) -> Callable[[], None]:
    """
    Do the same for a *signal* that comes with every task, and *receiver* that never raises.

    Celery takes a lock, looks for receivers that are gone and asks each for its sender, ten
    times the work of calling one. *used_as* is the name under which its tracer keeps the sending.
    """
    usual = signal.send

    def send(sender: Any, **named: Any) -> Any:
        receivers = signal.receivers
        if len(receivers) == 1 and receivers[0][1] is receiver:
            receiver(signal=signal, sender=sender, **named)
            return [(receiver, None)]
        return usual(sender, **named)

    # What was made before, and keeps the method, sends as usual, and what keeps this function
    # goes on with it after the undo: both find the receivers of the moment.
    signal.send = send
    in_tracer = getattr(trace, used_as, None) == usual
    if in_tracer:
        setattr(trace, used_as, send)
    disconnect = receive(signal, receiver)

    def undo() -> None:
        disconnect()
        if vars(signal).get("send") is send:
            del signal.send
        if in_tracer and getattr(trace, used_as) is send:
            setattr(trace, used_as, usual)

    return undo
