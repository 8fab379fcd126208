"""A trace as lines of a tree: each span, under it its exceptions, log lines and children."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Literal

from otel_flow.otlp.receiver import LogRecord, Span, SpanEvent
from otel_flow.settings.masking import printable


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_flow.demo.story import Trace


LONGEST = 60
"""Lines of a tree that are shown; the rest is a count, in a line that one more could have."""

_TEXT = 120
_LEVELS = ((17, "ERROR"), (13, "WARN"), (9, "INFO"), (5, "DEBUG"), (1, "TRACE"))
_WARNING = 13
_FAILURE = 17
_UNSHOWN = (
    "celery.",
    "messaging.",
    "http.",
    "code.",
    "thread.",
    "exception.stacktrace",
    "otel_flow.http.duration",
    "url.",
    "client.",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One line of the tree.

    *last* holds for each level whether the branch ends there; *start* is the seconds
    since the trace began.
    """

    kind: Literal["span", "exception", "record", "more"]
    text: str
    detail: str = ""
    level: str = ""
    service: str = ""
    seconds: float = 0.0
    start: float = 0.0
    trouble: Literal["", "warning", "error"] = ""
    last: tuple[bool, ...] = ()


def tree_lines(trace: Trace) -> list[Line]:
    """Return *trace* as lines, in the order of time below each span."""
    branches = _branches(trace)
    began = min((span.start for span in trace.spans), default=0)
    lines = list(_walk(branches, began))
    if len(lines) <= LONGEST + 1:
        return lines
    rest = len(lines) - LONGEST
    return [*lines[:LONGEST], Line(kind="more", text=f"{rest} more lines", last=(True,))]


_Item = tuple[int, Span | SpanEvent | LogRecord]
_Pending = tuple[_Item, tuple[bool, ...]]


def _branches(trace: Trace) -> dict[str, list[_Item]]:
    """Return what hangs below each span, by its id; below the empty id what hangs nowhere."""
    known = {span.span_id for span in trace.spans}
    branches: dict[str, list[_Item]] = {span_id: [] for span_id in known | {""}}
    for span in trace.spans:
        parent = span.parent_id if span.parent_id in known else ""
        branches[parent].append((span.start, span))
        branches[span.span_id] += [
            (event.time, event) for event in span.events if event.name == "exception"
        ]
    for record in trace.records:
        branches[record.span_id if record.span_id in known else ""].append((record.time, record))
    for items in branches.values():
        items.sort(key=lambda item: item[0])
    return branches


def _walk(branches: dict[str, list[_Item]], began: int) -> Iterator[Line]:
    """Yield the lines depth first; without recursion, since a trace may be as deep as it likes."""
    stack = _pending(branches.pop(""), ())
    while stack or branches:
        if not stack:
            # Only spans that are each other's parents are left.
            stack = _pending(branches.popitem()[1], ())
            continue
        (time, item), last = stack.pop()
        yield dataclasses.replace(_line(item), last=last, start=(time - began) / 1e9)
        if isinstance(item, Span):
            below = branches.pop(item.span_id, [])
            stack += _pending(below, (*last, False))


def _pending(items: Sequence[_Item], last: tuple[bool, ...]) -> list[_Pending]:
    """Return *items* at the level of *last*, the first one at the end."""
    ends = [(*last[:-1], number == len(items) - 1) if last else () for number in range(len(items))]
    return list(zip(items, ends, strict=True))[::-1]


def _line(item: Span | SpanEvent | LogRecord) -> Line:
    if isinstance(item, Span):
        return _span_line(item)
    return _record_line(item) if isinstance(item, LogRecord) else _exception_line(item)


def _span_line(span: Span) -> Line:
    status = span.attributes.get("http.response.status_code")
    return Line(
        kind="span",
        text=printable(span.name, _TEXT),
        detail="" if status is None else str(status),
        service=printable(span.source.service, _TEXT),
        seconds=span.seconds,
        trouble="error" if span.status == "error" else "",
    )


def _exception_line(event: SpanEvent) -> Line:
    kind = str(event.attributes.get("exception.type", "exception"))
    message = str(event.attributes.get("exception.message", ""))
    return Line(
        kind="exception",
        text=printable(kind, _TEXT),
        detail=printable(message, _TEXT),
        trouble="error",
    )


def record_line(record: LogRecord) -> Line:
    """Return the line of a record that belongs to no span."""
    return dataclasses.replace(
        _record_line(record), service=printable(record.source.service, _TEXT)
    )


def _record_line(record: LogRecord) -> Line:
    number = record.severity_number
    level = next((name for least, name in _LEVELS if number >= least), record.severity)
    trouble: Literal["", "warning", "error"] = "error" if number >= _FAILURE else ""
    return Line(
        kind="record",
        text=printable(str(record.event_name or record.body), _TEXT),
        detail=_keys(record),
        level=printable(level, 8),
        trouble=trouble or ("warning" if number >= _WARNING else ""),
    )


def _keys(record: LogRecord) -> str:
    """Return the attributes that the span above does not have as well."""
    shown = [
        f"{key}={value}"
        for key, value in record.attributes.items()
        if not key.startswith(_UNSHOWN) and value != record.trace_id
    ]
    return printable(" ".join(shown), _TEXT)
