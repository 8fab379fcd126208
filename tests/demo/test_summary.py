"""The checked summary: what agrees passes, and every kind of loss is seen and named."""

import dataclasses

import pytest

from otel_flow.demo.evidence import DURATION, TASK_DURATION, Witness
from otel_flow.demo.load import VISITS, Answer, visits
from otel_flow.demo.summary import summarize, summarize_sent
from otel_flow.otlp.receiver.values import Exemplar
from tests.demo.arrivals import batch, point, record, server_span, span


ORDER = next(visit for visit in VISITS if visit.status == 202)
MISSING = next(visit for visit in VISITS if visit.path == "/products/99")


def line(service, trace_id, span_id, event, **keys):
    return {"service": service, "trace_id": trace_id, "span_id": span_id, "event": event, **keys}


def witness_of(*asked):
    """What is seen of *asked* in a shop where nothing is lost."""
    witness = Witness()
    for number, visit in enumerate(asked):
        see(witness, visit, f"{number:032}")
    return witness


def see(witness, visit, trace_id):
    method, _, route = visit.route.partition(" ")
    request = {"http.request.method": method, "http.response.status_code": visit.status}
    request["http.route"] = route
    witness.answer(Answer(visit=visit, status=visit.status, trace_id=trace_id, seconds=0.1))
    spans = [server_span("01", visit.route, visit.status, trace_id=trace_id)]
    spans += [
        span(f"t{n}", "01", trace_id=trace_id, kind="consumer", attributes={"celery.task.name": t})
        for n, t in enumerate(visit.tasks)
    ]
    lines = [line("shop", trace_id, "01", "otel_flow.http.request", **request)]
    lines += [line("shop", trace_id, "01", event) for event in visit.events]
    for written in lines:
        witness.line(written)
    records = [record("01", found["event"], trace_id=trace_id) for found in lines]
    exemplar = Exemplar(value=0.1, time=1, trace_id=trace_id, span_id="01")
    points = [point(DURATION, 1, {**request, "n": trace_id}, exemplars=(exemplar,))]
    points += [
        point(TASK_DURATION, 1, {"celery.task.name": task, "n": trace_id}) for task in visit.tasks
    ]
    witness.batch(batch(*spans, *records, *points))


@pytest.fixture
def seen():
    return witness_of(ORDER, ORDER, MISSING).seen()


def failed(summary):
    return [check.name for check in summary.checks if not check.passed]


def test_agreement_passes(seen):
    """Four witnesses who saw the same pass, with a row a route and a task."""
    summary = summarize(seen)

    assert failed(summary) == []
    assert [(row.name, row.answers, row.agrees) for row in summary.rows] == [
        ("GET /products/{product_id} 404", 1, True),
        ("POST /orders 202", 2, True),
        ("shop.fulfil_order", 2, True),
        ("shop.send_receipt", 2, True),
    ]
    assert summary.passed
    assert len(summary.trace_ids) == 3


@pytest.mark.parametrize("field", ["answers", "spans", "points", "lines", "records"])
@pytest.mark.parametrize("change", [lambda items: items[1:], lambda items: (*items, items[0])])
def test_whatever_is_lost_or_doubled_fails(seen, field, change):
    """One item less or twice, on any side, and the summary does not pass."""
    changed = dataclasses.replace(seen, **{field: change(getattr(seen, field))})

    assert not summarize(changed).passed


def test_a_missing_span_is_named(seen):
    """The id of what is missing stands in the summary."""
    trace_id = seen.spans[0].trace_id
    summary = summarize(dataclasses.replace(seen, spans=seen.spans[1:]))

    (ids,) = [check for check in summary.checks if "trace ids" in check.name]
    assert f"{trace_id} missing in spans" in ids.found
    assert failed(summary)[0] == "requests and tasks = spans = histogram count = log lines"


def test_wrong_ids_fail(seen):
    """The same numbers with a line in another trace do not pass."""
    strange = {**seen.lines[0], "trace_id": "f" * 32}
    summary = summarize(dataclasses.replace(seen, lines=(strange, *seen.lines[1:])))

    assert "answers, spans and lines name the same trace ids" in failed(summary)
    assert "every log line names a span that arrived" in failed(summary)


def test_wrong_answers_fail(seen):
    """An answer that a shop in order does not give fails, with what came instead."""
    wrong = dataclasses.replace(seen.answers[0], status=0, error="ConnectError: refused")
    summary = summarize(dataclasses.replace(seen, answers=(wrong, *seen.answers[1:])))

    (check,) = [check for check in summary.checks if "got the answer" in check.name]
    assert "POST /orders: ConnectError: refused" in check.found


def test_exemplars_must_name_requests(seen):
    """No exemplar, or one of another trace, fails."""
    strange = dataclasses.replace(seen.exemplars[0], trace_id="f" * 32)

    for exemplars in ((), (strange,)):
        summary = summarize(dataclasses.replace(seen, exemplars=exemplars))
        assert failed(summary) == ["the histogram's exemplars name requests"]


def test_nothing_at_all_fails():
    """A run in which nothing happened does not pass."""
    assert not summarize(Witness().seen()).passed


def test_what_was_sent_elsewhere_is_checked_by_answers_and_lines(seen):
    """With another backend the lines and the answers must agree; spans are not here."""
    sent = dataclasses.replace(seen, spans=(), points=(), records=())

    assert summarize_sent(sent).passed
    assert not summarize_sent(dataclasses.replace(sent, lines=sent.lines[1:])).passed


def test_what_the_engine_lost_fails(seen):
    """A line of the delivery engine about lost data fails, wherever that was sent."""
    witness = Witness()
    witness.text("otel_flow.delivery: logs to http://x fail (HTTP 503); 3 wait")
    witness.text("otel_flow.delivery: left behind at shutdown: 3 spans")
    witness.line({"event": "otel_flow.delivery: logs to http://x dropped: 2 (rejected)"})
    complaints = witness.seen().complaints

    for summary in (summarize, summarize_sent):
        (name,) = failed(summary(dataclasses.replace(seen, complaints=complaints)))
        assert name == "the services lost nothing on the way"
    assert len(complaints) == 2


def test_the_last_point_of_a_series_counts():
    """A cumulative point replaces the one before, also when they come out of order."""
    witness = Witness()
    for time, count in ((2, 5), (1, 3)):
        witness.batch(batch(point(DURATION, count, {}, time=time)))

    (found,) = witness.seen().request_points()
    assert found.count == 5


def test_every_kind_of_request_comes_first():
    """The load begins with one of each kind and is the same every time."""
    first, second = visits(), visits()
    begun = [next(first) for _ in range(50)]

    assert begun[: len(VISITS)] == list(VISITS)
    assert begun == [next(second) for _ in range(50)]
