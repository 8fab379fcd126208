"""The summary of `otel-flow demo --once`: whether the witnesses agree, request by request."""

from __future__ import annotations

import dataclasses

from collections import Counter
from typing import TYPE_CHECKING, Any

from otel_flow.demo.load import TASK_OF


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from otel_flow.demo.evidence import Seen


_NAMED = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How many requests of one route and status, or runs of one task, each witness saw."""

    name: str
    answers: int
    spans: int
    points: int
    lines: int

    @property
    def agrees(self) -> bool:
        """Whether all four say the same."""
        return self.answers == self.spans == self.points == self.lines


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold, in words, with what was found."""

    name: str
    passed: bool
    found: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The rows, the checks, and whether all of them hold."""

    rows: tuple[Row, ...]
    checks: tuple[Check, ...]
    trace_ids: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything agrees."""
        return all(check.passed for check in self.checks)


def summarize(seen: Seen) -> Summary:
    """Return what the four witnesses agree on and where they differ."""
    rows = _rows(seen)
    checks = [
        _answered(seen),
        _counted(rows),
        _same_ids(seen),
        _spans_of_lines(seen),
        _records_of_lines(seen),
        _expected_events(seen),
        _exemplars(seen),
        _delivered(seen),
    ]
    return Summary(rows=rows, checks=tuple(checks), trace_ids=_trace_ids(seen))


def summarize_sent(seen: Seen) -> Summary:
    """Return the same where spans and points went to another backend: answers against lines."""
    answers = Counter(answer.trace_id for answer in seen.answers)
    lines = Counter(str(line.get("trace_id")) for line in seen.access_lines())
    wrong = (answers - lines) + (lines - answers)
    ids = _check(
        "answers and lines name the same trace ids",
        f"{len(answers)} trace ids",
        (f"{trace_id} on one side only" for trace_id in wrong),
    )
    checks = (_answered(seen), ids, _expected_events(seen), _delivered(seen))
    return Summary(rows=(), checks=checks, trace_ids=_trace_ids(seen))


def _trace_ids(seen: Seen) -> tuple[str, ...]:
    return tuple(sorted({answer.trace_id for answer in seen.answers if answer.trace_id}))


def _rows(seen: Seen) -> tuple[Row, ...]:
    """Return the rows of requests, then those of tasks."""
    answers = Counter(f"{answer.visit.route} {answer.status}" for answer in seen.answers)
    spans = Counter(_request(span.attributes) for span in seen.server_spans())
    points: Counter[str] = Counter()
    for point in seen.request_points():
        points[_request(point.attributes)] += point.count
    lines = Counter(_request(line) for line in seen.access_lines())
    return (*_compared(answers, spans, points, lines), *_task_rows(seen))


def _task_rows(seen: Seen) -> tuple[Row, ...]:
    answers = Counter(
        task
        for answer in seen.answers
        if answer.status == answer.visit.status
        for task in answer.visit.tasks
    )
    spans = Counter(_task(span.attributes) for span in seen.task_spans())
    points: Counter[str] = Counter()
    for point in seen.task_points():
        points[_task(point.attributes)] += point.count
    lines = Counter(TASK_OF[line["event"]] for line in seen.lines if line.get("event") in TASK_OF)
    return _compared(answers, spans, points, lines)


def _compared(
    answers: Counter[str], spans: Counter[str], points: Counter[str], lines: Counter[str]
) -> tuple[Row, ...]:
    return tuple(
        Row(
            name=name,
            answers=answers[name],
            spans=spans[name],
            points=points[name],
            lines=lines[name],
        )
        for name in sorted({*answers, *spans, *points, *lines})
    )


def _request(keys: Mapping[str, Any]) -> str:
    method, route = keys.get("http.request.method"), keys.get("http.route")
    name = f"{method} {route}" if route else str(method)
    return f"{name} {keys.get('http.response.status_code') or 0}"


def _task(attributes: Mapping[str, Any]) -> str:
    return str(attributes.get("celery.task.name"))


def _answered(seen: Seen) -> Check:
    wrong = [answer for answer in seen.answers if answer.status != answer.visit.status]
    found = f"{len(seen.answers)} answers"
    if wrong:
        first = wrong[0]
        got = first.error or first.status
        found = f"{len(wrong)} differ, first: {first.visit.method} {first.visit.path}: {got}"
    return Check(name="every request got the answer it should", passed=not wrong, found=found)


def _counted(rows: Iterable[Row]) -> Check:
    rows = list(rows)
    totals = [
        f"{sum(getattr(row, witness) for row in rows)} {name}"
        for witness, name in (
            ("answers", "sent"),
            ("spans", "spans"),
            ("points", "in the histogram"),
            ("lines", "lines"),
        )
    ]
    passed = bool(rows) and all(row.agrees for row in rows)
    return Check(
        name="requests and tasks = spans = histogram count = log lines",
        passed=passed,
        found=", ".join(totals),
    )


def _same_ids(seen: Seen) -> Check:
    sides = {
        "answers": Counter(answer.trace_id for answer in seen.answers),
        "spans": Counter(span.trace_id for span in seen.server_spans()),
        "lines": Counter(str(line.get("trace_id")) for line in seen.access_lines()),
    }
    everything = sides["answers"] | sides["spans"] | sides["lines"]
    missing = {name: everything - side for name, side in sides.items()}
    return _check(
        "answers, spans and lines name the same trace ids",
        f"{len(everything)} trace ids",
        (f"{trace_id} missing in {name}" for name, ids in missing.items() for trace_id in ids),
    )


def _spans_of_lines(seen: Seen) -> Check:
    known = {(span.trace_id, span.span_id) for span in seen.spans}
    written = [(str(line["trace_id"]), str(line["span_id"])) for line in _in_traces(seen)]
    return _check(
        "every log line names a span that arrived",
        f"{len(written)} lines with ids",
        (
            f"span {span_id} of trace {trace_id}"
            for trace_id, span_id in written
            if (trace_id, span_id) not in known
        ),
    )


def _records_of_lines(seen: Seen) -> Check:
    lines = Counter(
        (str(line["trace_id"]), str(line["span_id"]), str(line.get("event")))
        for line in _in_traces(seen)
    )
    records = Counter(
        (record.trace_id, record.span_id, str(record.body))
        for record in seen.records
        if record.trace_id
    )
    wrong = {"line without record": lines - records, "record without line": records - lines}
    return _check(
        "every log line is one log record with the same ids",
        f"{sum(lines.values())} lines, {sum(records.values())} records",
        (
            f"{what}: {event} of trace {trace_id}"
            for what, ids in wrong.items()
            for trace_id, _, event in ids.elements()
        ),
    )


def _expected_events(seen: Seen) -> Check:
    expected = Counter(
        (answer.trace_id, event) for answer in seen.answers for event in answer.visit.events
    )
    names = {event for _, event in expected}
    written = Counter(
        (str(line.get("trace_id")), str(line["event"]))
        for line in seen.lines
        if line.get("event") in names
    )
    wrong = {"missing": expected - written, "unexpected": written - expected}
    return _check(
        "the application's own lines are those of its requests",
        f"{sum(expected.values())} lines",
        (
            f"{what}: {event} of trace {trace_id}"
            for what, ids in wrong.items()
            for trace_id, event in ids.elements()
        ),
    )


def _exemplars(seen: Seen) -> Check:
    known = {answer.trace_id for answer in seen.answers}
    strangers = [exemplar.trace_id for exemplar in seen.exemplars if exemplar.trace_id not in known]
    wrong = strangers if seen.exemplars else ["the histogram has none"]
    return _check(
        "the histogram's exemplars name requests", f"{len(seen.exemplars)} exemplars", wrong
    )


def _delivered(seen: Seen) -> Check:
    return _check(
        "the services lost nothing on the way",
        f"{len(seen.complaints)} complaints",
        seen.complaints,
    )


def _in_traces(seen: Seen) -> list[Mapping[str, Any]]:
    return [line for line in seen.lines if line.get("trace_id")]


def _check(name: str, found: str, wrong: Iterable[str]) -> Check:
    """Return a check that passes when nothing is *wrong*, and else names the first ones."""
    listed = list(wrong)
    if not listed:
        return Check(name=name, passed=True, found=found)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return Check(name=name, passed=False, found=f"{found}; {'; '.join(listed[:_NAMED])}{more}")
