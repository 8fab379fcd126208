"""What goes wrong in delivery, said on stderr, seldom, and never through OTLP itself."""

from __future__ import annotations

import logging
import sys
import threading
import time

from typing import TYPE_CHECKING, Any

from otel_flow.redaction import default_redaction
from otel_flow.settings.masking import mask_url


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


logger = logging.getLogger("otel_flow.delivery")

_SUMMARY_SECONDS = 60.0
_ITEMS = {
    "traces": ("span", "spans"),
    "metrics": ("data point", "data points"),
    "logs": ("log record", "log records"),
}


class _Stderr(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at the time, secrets masked."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, or nothing where there is no stderr any more."""
        # A backend may answer with what it was sent, a client's error name a whole URL.
        try:
            text = default_redaction().text(record.getMessage())
            _stderr().write(f"otel_flow.delivery: {text}\n")
        except Exception:
            # A closed or missing stderr must not reach the application.
            return


def _stderr() -> Any:
    stream = sys.stderr
    # Celery replaces it by one that logs what is printed: through OTLP it would not be said.
    if isinstance(getattr(stream, "logger", None), logging.Logger):
        return sys.__stderr__ or stream
    return stream


def _set_up() -> None:
    if not any(isinstance(handler, _Stderr) for handler in logger.handlers):
        logger.addHandler(_Stderr())
        logger.propagate = False


_set_up()


class Report:
    """
    The lines of one signal: the first problem, a summary a minute, one line on recovery.

    *wake* is called where something waits for the end of the minute: `summarise` says it then.
    """

    def __init__(
        self, signal: str, endpoint: str, *, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._wake = wake
        self._signal = signal
        self._endpoint = mask_url(endpoint)
        self.renew()

    def renew(self) -> None:
        """Start anew, as in a forked child: no lock is held, nothing was said yet."""
        self._lock = threading.RLock()
        self._failing_since: float | None = None
        self._quiet_until = 0.0
        self._lost_before = 0
        self._unsaid: dict[str, int] = {}

    def failed(self, reason: str, *, waiting: int, lost: int) -> None:
        """Say that an attempt failed and that the data waits."""
        with self._lock:
            if self._failing_since is None:
                self._failing_since = time.monotonic()
                self._lost_before = lost
            text = f"{self._signal} to {self._endpoint} fail ({reason}); {waiting} wait"
            if dropped := lost - self._lost_before:
                text += f", {dropped} dropped since"
            self._say(text)

    def dropped(self, reason: str, items: int) -> None:
        """Say that *items* are lost for good; within a minute of the last line they are summed."""
        with self._lock:
            first = not self._unsaid
            self._unsaid[reason] = self._unsaid.get(reason, 0) + items
            said = self._say_dropped()
        if first and not said:
            self._wake()

    def summarise(self, now: float) -> float | None:
        """Say what has waited for a minute; return when there will be something to say, if ever."""
        with self._lock:
            if not self._unsaid:
                return None
            return self._quiet_until if now < self._quiet_until else self._said_or_later()

    def _said_or_later(self) -> float | None:
        return None if self._say_dropped() else self._quiet_until

    def _say_dropped(self) -> bool:
        counts = ", ".join(f"{count} ({why})" for why, count in self._unsaid.items())
        said = self._say(f"{self._signal} to {self._endpoint} dropped: {counts}")
        if said:
            self._unsaid.clear()
        return said

    def recovered(self, *, lost: int) -> None:
        """Say once that delivery works again and what the outage has cost."""
        with self._lock:
            if self._failing_since is None:
                return
            seconds = time.monotonic() - self._failing_since
            self._failing_since = None
            self._quiet_until = 0.0
            dropped = lost - self._lost_before
            logger.warning(
                "%s to %s work again after %.1f s; %d lost",
                self._signal,
                self._endpoint,
                seconds,
                dropped,
            )

    def _say(self, text: str) -> bool:
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + _SUMMARY_SECONDS
        logger.warning("%s", text)
        return True


def report_left_behind(left: Mapping[str, int], dropped: Mapping[str, int]) -> None:
    """Say at the end what never arrived: items left behind by queue, dropped ones by reason."""
    for what, texts in (
        ("left behind", [_counted(queue, count) for queue, count in left.items() if count]),
        ("dropped", [f"{count} ({reason})" for reason, count in dropped.items() if count]),
    ):
        if texts:
            logger.warning("%s at shutdown: %s", what, ", ".join(texts))


def _counted(queue: str, count: int) -> str:
    """Name what was counted; an exporter of others stands after its signal, in parentheses."""
    signal, _, exporter = queue.partition(" ")
    one, many = _ITEMS[signal]
    return " ".join(filter(None, (str(count), one if count == 1 else many, exporter)))
