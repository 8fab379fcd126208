"""Where lines go: stdout, through loggers as structlog wants them."""

from __future__ import annotations

import logging
import sys
import threading

from typing import Any, TextIO


def _behind(stream: TextIO) -> TextIO:
    """Return where lines go while stdout is *stream*."""
    # Celery replaces it by one that logs what is printed: each line would be logged once more.
    if isinstance(getattr(stream, "logger", None), logging.Logger):
        return sys.__stdout__ or stream
    return stream


class LineWriter:
    """Writes whole lines to a stream, by default whatever stdout is then; never raises."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._found: tuple[Any, Any] = None, None
        """What stdout was at the last line, and what was behind it."""
        self.renew()

    def write(self, line: str) -> None:
        """Write *line* and an end of line; a closed or broken stream swallows it."""
        stream = self._stream
        if stream is None:
            shown, stream = self._found
            if shown is not sys.stdout:
                shown = sys.stdout
                stream = _behind(shown)
                self._found = shown, stream
        try:
            with self._lock:
                stream.write(f"{line}\n")
                stream.flush()
        except UnicodeEncodeError:
            self.write(line.encode("ascii", "backslashreplace").decode())
        # RuntimeError: a signal handler writes while the stream is written to.
        except (OSError, ValueError, AttributeError, RuntimeError):
            return

    def renew(self) -> None:
        """Take a fresh lock: the old one may have been held when the process was forked."""
        # One that a signal handler can take while the thread it interrupts holds it.
        self._lock = threading.RLock()


class LineLogger:
    """The logger at the end of structlog's chain: it has a name and writes finished lines."""

    __slots__ = ("name", "write")

    def __init__(self, writer: LineWriter, name: str | None) -> None:
        self.write = writer.write
        self.name = name

    def msg(self, message: str) -> None:
        """Write *message*."""
        self.write(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class LineLoggerFactory:
    """Makes a `LineLogger` for ``structlog.get_logger(name)``."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def __call__(self, *arguments: Any) -> LineLogger:
        """Return a logger named by the first argument, if there is one."""
        return LineLogger(self._writer, str(arguments[0]) if arguments else None)
