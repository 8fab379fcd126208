"""
The registry of what must happen when a process or a server in it ends.

Two moments differ. A *flush* comes at an end behind which exit handlers may still run
or not: a pool's child is recycled, a child of ``multiprocessing`` has done its work. An *exit*
comes once, when the process goes: the interpreter's exit handlers, or SIGTERM where
nobody else handles it. Handlers of others are chained, never replaced, and a signal
that would have ended the process ends it afterwards, with the same exit status.
"""

from __future__ import annotations

import atexit
import os
import random
import signal
import threading
import time

from typing import TYPE_CHECKING, Any

from otel_flow.process.servers import Ends, patch_servers


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Handler = Callable[[int, FrameType | None], Any] | int | None


_DEADLY = (signal.SIGTERM,)
"""Signals that end the process and that servers leave at their default in the end."""

_flush: dict[str, Callable[[float], object]] = {}
_exit: dict[str, Callable[[float], object]] = {}
_previous: dict[int, Handler] = {}
_undo_servers: Callable[[], None] | None = None
_deadline = 5.0
_leaving = False
"""Whether the exit callbacks are at work."""
_late: int | None = None
"""The signal that came meanwhile, of which the process is to die when they are done."""
_end: float | None = None
"""When the deadline that an earlier, unsuccessful flush has begun to spend is over."""


def on_flush(callback: Callable[[float], object], *, name: str) -> Callable[[], None]:
    """
    Call *callback* with the seconds it has where a process probably ends; return the undo.

    It returns False where it has not achieved what it should.
    """
    return _register(_flush, callback, name)


def on_exit(callback: Callable[[float], object], *, name: str) -> Callable[[], None]:
    """Call *callback* once, with the seconds it has, when the process ends; return the undo."""
    return _register(_exit, callback, name)


def _register(
    registry: dict[str, Callable[[float], object]], callback: Callable[[float], object], name: str
) -> Callable[[], None]:
    registry[name] = callback

    def undo() -> None:
        if registry.get(name) is callback:
            del registry[name]

    return undo


def install(shutdown_timeout: float) -> None:
    """
    Hook into exit, SIGTERM and the servers that are loaded or will be.

    *shutdown_timeout*, in seconds, bounds all callbacks together. From a thread
    other than the main one signals are left alone: Python allows no other.
    """
    global _deadline, _undo_servers
    _deadline = shutdown_timeout
    if _undo_servers is None:
        atexit.register(_leave)
        _undo_servers = patch_servers(Ends(flush=flush_now, die_of=_die_of))
    if threading.current_thread() is threading.main_thread():
        for number in _DEADLY:
            _chain(number)


def uninstall() -> None:
    """Take back every hook that `install` has set, where nobody has put another over it."""
    global _undo_servers
    atexit.unregister(_leave)
    if _undo_servers is not None:
        _undo_servers()
        _undo_servers = None
    if threading.current_thread() is not threading.main_thread():
        return
    for number, previous in list(_previous.items()):
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, previous)
        del _previous[number]


def flush_now() -> None:
    """Call every flush callback, all within one deadline; none of them can raise from here."""
    _call(_flush)


def _call(registry: dict[str, Callable[[float], object]]) -> None:
    """Call what is registered; a process that passes several of its ends has one deadline."""
    global _end
    end = _end or time.monotonic() + _deadline
    done = True
    for callback in list(registry.values()):
        done &= _called(callback, end)
    _end = None if done else end


def _called(callback: Callable[[float], object], end: float) -> bool:
    """Return whether *callback* achieved by *end* what it should, whoever interrupts it."""
    while True:
        # A callback is telemetry's own: whatever it raises, the application ends as it would.
        try:
            return callback(max(0.0, end - time.monotonic())) is not False
        except SystemExit:
            # A handler that was called once more: the process is about to exit already.
            continue
        except KeyboardInterrupt:
            end = 0.0
        except Exception:
            return False


def _at_exit() -> None:
    global _leaving
    pending = dict(_exit)
    _exit.clear()
    _leaving = True
    try:
        _call(pending)
    finally:
        _leaving = False


def _leave() -> None:
    _at_exit()
    if _late is not None:
        _die(_late)


def _at_exit_beside() -> None:
    """
    Run the exit callbacks in a thread of their own, up to the deadline.

    The main thread was interrupted anywhere, perhaps with a lock that a callback
    needs: that must cost the deadline at most, not hang the process.
    """
    ending = threading.Thread(target=_at_exit, name="otel-flow-exit", daemon=True)
    try:
        ending.start()
    except RuntimeError:
        # Python 3.12.0 to 3.12.2 start no thread once the interpreter ends (cpython#113964).
        _at_exit()
    else:
        ending.join(_deadline + 0.25)


def _chain(number: int) -> None:
    current = signal.getsignal(number)
    if current is _on_signal or current is None:
        return
    _previous[number] = current
    signal.signal(number, _on_signal)


def _die_of(number: int) -> None:
    """Handle *number* where it is at its default action: it ends the process."""
    if _undo_servers is not None and signal.getsignal(number) == signal.SIG_DFL:
        _chain(number)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Hand the signal on; where nobody handles it, deliver what is left and let it end us."""
    global _late
    previous = _previous.get(number)
    if callable(previous):
        previous(number, frame)
    elif previous == signal.SIG_DFL and _leaving:
        _late = number
    elif previous == signal.SIG_DFL and _is_recording(frame) and _comes_again(number):
        return
    elif previous == signal.SIG_DFL:
        _at_exit_beside()
        _die(number)


def _is_recording(frame: FrameType | None) -> bool:
    """Return whether telemetry was interrupted, which may hold a lock that the flush needs."""
    for _ in range(_INNERMOST):
        if frame is None:
            return False
        if frame.f_globals.get("__name__", "").startswith(_RECORDING):
            return True
        frame = frame.f_back
    return False


def _comes_again(number: int) -> bool:
    """Have *number* come again in a millisecond, when the lock is free; False if it did too long."""
    global _again_until
    _again_until = _again_until or time.monotonic() + _deadline / 2
    if time.monotonic() > _again_until:
        return False

    def raise_again() -> None:
        # Not in step with the loop that records.
        time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - no secret
        os.kill(os.getpid(), number)

    try:
        threading.Thread(target=raise_again, name="otel-flow-signal", daemon=True).start()
    except RuntimeError:
        return False
    return True


_RECORDING = ("otel_flow.providers", "otel_flow.delivery", "opentelemetry.sdk", __name__)
"""Whose frames may hold a lock; above ours, which starts a thread, the signal comes again as well."""
_INNERMOST = 8
"""Frames that are looked at: what holds a lock stands near the top."""
_again_until: float | None = None
"""Until when it comes again: a loop that does nothing but record is met outside in the end."""


def _die(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
