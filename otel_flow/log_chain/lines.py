"""The line of an event: JSON for machines, columns for people."""

from __future__ import annotations

import json
import time

from typing import TYPE_CHECKING, Any, TextIO

import structlog

from otel_flow.log_chain.sentences import say_request
from otel_flow.log_chain.values import plain


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _encoders() -> tuple[Callable[[Any], str], Callable[[Any], str]]:
    """Return the fastest encoder of JSON that is installed, and one that leaves the braces away."""
    try:
        from orjson import dumps  # noqa: PLC0415 - not required
    except ImportError:
        return _encode, lambda fields: _encode(fields)[1:-1]
    return lambda fields: dumps(fields).decode(), lambda fields: dumps(fields)[1:-1].decode()


_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


_SECOND = 1_000_000_000


class Timestamp:
    """The time of events in ISO 8601, UTC, with microseconds; the second is written once."""

    def __init__(self) -> None:
        self._second = (0, "")
        """When the last one began, and its text up to the point; set at once, for threads."""

    def __call__(self, nanoseconds: int) -> str:
        """Return the text for *nanoseconds* since the epoch."""
        begin, text = self._second
        rest = nanoseconds - begin
        if not 0 <= rest < _SECOND or not text:
            begin, text = self._begin(nanoseconds)
            rest = nanoseconds - begin
        # A format specification takes six times as long to lead with zeros.
        return f"{text}{str(rest // 1000 + 1_000_000)[1:]}Z"

    def _begin(self, nanoseconds: int) -> tuple[int, str]:
        second = nanoseconds // _SECOND
        text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        self._second = known = second * _SECOND, text
        return known


class JsonLine:
    """Renders the fields of an event, which are plain, as one line of JSON, in their order."""

    def __init__(self) -> None:
        self._encode, self.inside = _encoders()
        """*inside* returns what of a line stands between its braces, and raises where this does not."""

    def __call__(self, fields: Mapping[str, Any]) -> str:
        """Return the line."""
        try:
            return self._encode(fields)
        except Exception:
            # orjson refuses more than the standard library does, such as deep nesting.
            return _encode(plain(fields))


_REPEATED = frozenset({"service", "version", "environment", "span_id"})


class ConsoleLine:
    """
    Renders the fields of an event for a person, with colours only on a terminal.

    What repeats on every line stays out of it, and a request is said in one text. Where *trace_url* is given, a URL with
    ``{trace_id}`` in it, it stands in the place of the id.
    """

    def __init__(self, *, colors: bool, trace_url: str | None = None) -> None:
        self._trace_url = trace_url
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )

    def __call__(self, fields: Mapping[str, Any]) -> str:
        """Return the line, or several where it holds a stack trace."""
        shown = {
            key: value
            for key, value in fields.items()
            if key not in _REPEATED and not key.startswith(("exception.", "code."))
        }
        if shown.get("event.name") == shown.get("event"):
            shown.pop("event.name", None)
        say_request(shown)
        trace_id = shown.get("trace_id")
        if shown.get("request_id") == trace_id:
            shown.pop("request_id", None)
        if trace_id and self._trace_url:
            del shown["trace_id"]
            shown["trace"] = self._trace_url.replace("{trace_id}", trace_id)
        if trace := _trace(fields):
            shown["exception"] = trace
        if stack := fields.get("code.stacktrace"):
            shown["stack"] = stack
        return str(self._render(None, "", shown))


def _trace(fields: Mapping[str, Any]) -> Any:
    message = fields.get("exception.message") or fields.get("exception")
    return fields.get("exception.stacktrace") or message


def build_renderer(
    log_format: str, stream: TextIO, trace_url: str | None = None
) -> JsonLine | ConsoleLine:
    """Return the renderer of *log_format*; ``auto`` is console on a terminal, otherwise JSON."""
    terminal = _is_terminal(stream)
    if log_format == "console" or (log_format == "auto" and terminal):
        return ConsoleLine(colors=terminal, trace_url=trace_url)
    return JsonLine()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
