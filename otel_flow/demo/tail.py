"""`otel-flow tail`: the receiver and the view, for the user's own services."""

from __future__ import annotations

import dataclasses
import math
import sys
import threading
import time

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from otel_flow import process
from otel_flow.demo.choice import Choice
from otel_flow.demo.screen import Screen, write_items
from otel_flow.otlp.receiver import PortTakenError, Receiver


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.demo.filters import Filter
    from otel_flow.otlp.receiver import Batch


PORT = 4318
_TICK = 0.2
_SETTLE = 1.5
_TREES_PER_SECOND = 5
_TREES_AT_ONCE = 100
"""What somebody tries by hand is shown whole; only a service under load is too much to read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TailOptions:
    """*port* None is 4318 or, where that is taken, any free one; *seconds* None is until Ctrl-C."""

    host: str
    port: int | None
    wanted: Filter
    as_json: bool
    seconds: float | None


def tail(options: TailOptions) -> int:
    """
    Show what arrives until Ctrl-C or SIGTERM.

    All of it where nobody watches a terminal. Raises `PortTakenError` for a port that was asked for.
    """
    with process.sigterm_interrupts():
        return _tail_json(options) if options.as_json else _tail_trees(options)


def _tail_trees(options: TailOptions) -> int:
    console = Console(highlight=False)
    choice = Choice(
        per_second=_TREES_PER_SECOND if console.is_terminal else math.inf, burst=_TREES_AT_ONCE
    )
    screen = Screen(console, choice=choice, settle=_SETTLE, wanted=options.wanted)
    with _listen(options, screen.take, screen.refuse) as receiver:
        console.print(Text(_instructions(receiver, options.port)))
        with screen.live():
            _until_interrupted(options.seconds, screen.tell)
            screen.tell(everything=True)
    return 0


def _tail_json(options: TailOptions) -> int:
    lock = threading.Lock()

    def take(batch: Batch) -> None:
        with lock:
            write_items(options.wanted.of(batch), sys.stdout)

    def refuse(reason: str) -> None:
        sys.stderr.write(f"otel-flow: refused: {reason}\n")

    with _listen(options, take, refuse) as receiver:
        sys.stderr.write(f"{_instructions(receiver, options.port)}\n")
        _until_interrupted(options.seconds, lambda: None)
    return 0


def _listen(
    options: TailOptions,
    take: Callable[[Batch], object],
    refuse: Callable[[str], object],
) -> Receiver:
    wanted = PORT if options.port is None else options.port
    try:
        return Receiver(take, refused=refuse, host=options.host, port=wanted)
    except PortTakenError:
        if options.port is not None:
            raise
    return Receiver(take, refused=refuse, host=options.host)


def _instructions(receiver: Receiver, asked: int | None) -> str:
    taken = asked is None and receiver.port != PORT
    first = f"listening at {receiver.endpoint}"
    return "\n".join(
        [
            f"{first} (port {PORT} is taken)" if taken else first,
            "",
            "In the terminal of your service:",
            "",
            f"  export OTEL_EXPORTER_OTLP_ENDPOINT={receiver.endpoint}",
            "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "  export OTEL_BSP_SCHEDULE_DELAY=500 OTEL_METRIC_EXPORT_INTERVAL=5000",
            "",
            "Ctrl-C ends.",
            "",
        ]
    )


def _until_interrupted(seconds: float | None, tick: Callable[[], object]) -> None:
    """Call *tick* some times a second until Ctrl-C, or until *seconds* have passed."""
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while end is None or time.monotonic() < end:
            time.sleep(_TICK)
            tick()
    except KeyboardInterrupt:
        return
