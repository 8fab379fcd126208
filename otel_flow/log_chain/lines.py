"""The line on stdout: JSON for machines, columns for people."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import threading

from typing import TYPE_CHECKING, Any, TextIO

import structlog

from otel_flow.log_chain.exceptions import exception_info, stacktrace
from otel_flow.log_chain.redacted import redacted_event
from otel_flow.log_chain.values import plain, text


if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

    from otel_flow.redaction import Redaction


_FIRST = ("timestamp", "level", "event")


def utc_timestamp() -> str:
    """Return the time in ISO 8601, UTC, with microseconds."""
    now = dt.datetime.now(dt.UTC)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")


class JsonLine:
    """Renders an event as one line of JSON without secrets: timestamp, level and event first."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, _logger: WrappedLogger, _name: str, event_dict: EventDict) -> str:
        """Return the line; exceptions become the key ``exception``."""
        info = exception_info(event_dict.pop("exc_info", None))
        if info is not None:
            event_dict["exception"] = stacktrace(info)
        ordered = {key: event_dict.pop(key) for key in _FIRST if key in event_dict}
        values = {text(key): plain(value) for key, value in {**ordered, **event_dict}.items()}
        values = redacted_event(values, self._redaction)
        return json.dumps(values, ensure_ascii=False, separators=(", ", ": "))


class ConsoleLine:
    """Renders an event without secrets for a person, with colours only on a terminal."""

    def __init__(self, redaction: Redaction, *, colors: bool) -> None:
        self._redaction = redaction
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=self._write_traceback
        )

    def _write_traceback(self, stream: TextIO, exc_info: Any) -> None:
        stream.write(f"\n{self._redaction.text(stacktrace(exc_info))}")

    def __call__(self, logger: WrappedLogger, name: str, event_dict: EventDict) -> str:
        """Return the line; the ids that repeat on every line stay out of it."""
        for key in ("service", "version", "environment", "span_id"):
            event_dict.pop(key, None)
        if event_dict.get("request_id") == event_dict.get("trace_id"):
            event_dict.pop("request_id", None)
        exc_info = event_dict.pop("exc_info", None)
        values = redacted_event(
            {text(key): plain(value) for key, value in event_dict.items()}, self._redaction
        )
        if exc_info:
            values["exc_info"] = exc_info
        return str(self._render(logger, name, values))


def build_renderer(log_format: str, stream: TextIO, redaction: Redaction) -> JsonLine | ConsoleLine:
    """Return the renderer of *log_format*; ``auto`` is console on a terminal, otherwise JSON."""
    terminal = _is_terminal(stream)
    if log_format == "console" or (log_format == "auto" and terminal):
        return ConsoleLine(redaction, colors=terminal)
    return JsonLine(redaction)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _stdout() -> TextIO:
    stream = sys.stdout
    # Celery replaces it by one that logs what is printed: each line would be logged once more.
    if isinstance(getattr(stream, "logger", None), logging.Logger):
        return sys.__stdout__ or stream
    return stream


class LineWriter:
    """Writes whole lines to a stream, by default whatever stdout is then; never raises."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Write *line* and an end of line; a closed or broken stream swallows it."""
        stream = self._stream or _stdout()
        try:
            with self._lock:
                stream.write(f"{line}\n")
                stream.flush()
        except UnicodeEncodeError:
            self.write(line.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError, AttributeError):
            return

    def renew(self) -> None:
        """Take a fresh lock: the old one may have been held when the process was forked."""
        self._lock = threading.Lock()


class LineLogger:
    """The logger at the end of structlog's chain: it has a name and writes finished lines."""

    def __init__(self, writer: LineWriter, name: str | None) -> None:
        self._writer = writer
        self.name = name

    def msg(self, message: str) -> None:
        """Write *message*."""
        self._writer.write(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class LineLoggerFactory:
    """Makes a `LineLogger` for ``structlog.get_logger(name)``."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def __call__(self, *arguments: Any) -> LineLogger:
        """Return a logger named by the first argument, if there is one."""
        return LineLogger(self._writer, str(arguments[0]) if arguments else None)
