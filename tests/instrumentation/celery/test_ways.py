"""The other ways of a task: links instead of parents, beat, the broker in memory, waiting times."""

import contextlib
import datetime
import logging

import pytest

from celery import Celery
from celery.contrib.testing.worker import start_worker as start_celery_worker
from opentelemetry import propagate
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanKind, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_flow.instrumentation.celery import instrument
from otel_flow.instrumentation.celery.execution import waited
from tests.instrumentation.celery.shop import build
from tests.instrumentation.celery.workers import celery, keys, worker
from tests.waiting import wait_until


@contextlib.contextmanager
def start_worker(app):
    """A worker in this process, whose level of the root logger ends with it."""
    level = logging.getLogger().level
    try:
        with start_celery_worker(app, pool="solo", perform_ping_check=False):
            yield
    finally:
        logging.getLogger().setLevel(level)


def test_a_task_in_memory(recording, shop):
    """With the in-memory broker, publisher and worker in one process, a task is the same story."""
    app = shop("memory://", "cache+memory://")

    with start_worker(app):
        assert app.tasks["shop.add"].delay(1, 2).get(timeout=30) == 3
        wait_until(lambda: len(recording.spans()) == 2, "the task's span")

    sent, ran = sorted(recording.spans(), key=lambda span: span.start_time)
    assert (sent.name, ran.name, ran.kind) == (
        "send shop.add",
        "process shop.add",
        SpanKind.CONSUMER,
    )
    assert ran.parent.span_id == sent.context.span_id
    (outcome,) = recording.points("celery.task.outcomes")
    assert outcome.attributes["messaging.system"] == "memory"


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("propagator", [TraceContextTextMapPropagator(), CompositePropagator([])])
def test_the_request_id_of_a_task_is_its_publishers(recording, monkeypatch, link, propagator):
    """Without another it is the publisher's trace id, where the task is linked and where no trace travels."""
    app = build("memory://", "cache+memory://")
    undo = instrument(app, telemetry=recording.telemetry, link=link)
    monkeypatch.setattr(propagate, "get_global_textmap", lambda: propagator)

    with start_worker(app):
        found = app.tasks["shop.context"].delay().get(timeout=30)
    undo()

    published = recording.span("send shop.context").context
    assert found["request_id"] == format_trace_id(published.trace_id)


class BrokenPropagator(TraceContextTextMapPropagator):
    def extract(self, *arguments, **options):
        raise KeyError("no such header")


def test_a_message_that_cannot_be_read_is_run_all_the_same(recording, shop, monkeypatch):
    """A propagator that raises costs a task its parent, and nothing else."""
    app = shop("memory://", "cache+memory://")
    monkeypatch.setattr(propagate, "get_global_textmap", BrokenPropagator)

    with start_worker(app):
        assert app.tasks["shop.add"].delay(1, 2).get(timeout=30) == 3
        wait_until(lambda: len(recording.spans()) == 2, "the task's span")

    assert recording.span("process shop.add").parent is None


def test_durations_of_tasks_have_buckets_for_minutes(recording, shop):
    """A task that runs for minutes falls into a bucket of its own, up to 600 s."""
    app = shop(task_always_eager=True)

    app.tasks["shop.double"].delay(1)

    (point,) = recording.points("messaging.process.duration")
    assert point.explicit_bounds[-3:] == (120.0, 300.0, 600.0)


UTC = Celery(timezone="UTC", set_as_current=False)


@pytest.mark.parametrize(
    ("eta", "seconds"),
    [
        (None, 30.0),
        ("2026-01-01T00:00:20+00:00", 10.0),
        ("2026-01-01T01:00:20+01:00", 10.0),
        ("2026-01-01T00:00:20", 10.0),
        ("2026-01-01T00:00:45+00:00", 0.0),
        ("2025-12-31T23:00:00+00:00", 30.0),
    ],
)
def test_a_task_waits_from_its_eta(eta, seconds):
    """The time before the ETA is no waiting, one in the past changes nothing, and none is negative."""
    published = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp()
    request = {"otel-flow-sent": f"{published:.6f}", "eta": eta}

    assert waited(request, UTC, published + 30) == pytest.approx(seconds)


@pytest.mark.parametrize("sent", [None, "", "yesterday", [1]])
def test_a_message_of_others_has_no_waiting_time(sent):
    """Without a time of publishing that can be read, how long a task waited is not known."""
    assert waited({"otel-flow-sent": sent}, UTC, 30.0) is None


@pytest.mark.services
def test_a_link_in_place_of_a_parent(receiver, recording, shop, redis_url):
    """By setting a task begins a trace of its own, linked to its publisher's span."""
    app = shop(redis_url, None, task_default_queue="links")

    with worker(
        *("--pool", "solo"),
        endpoint=receiver.endpoint,
        broker=redis_url,
        conf={"task_default_queue": "links"},
        OTEL_FLOW_CELERY_LINK="true",
    ):
        app.tasks["shop.spawn"].delay()
        wait_until(
            lambda: sum(s.name.startswith("process ") for s in receiver.spans()) == 2, "the tasks"
        )

    (sent,) = recording.spans()
    spans = {span.name: span for span in receiver.spans()}
    outer, inner = spans["process shop.spawn"], spans["process shop.add"]
    (link,) = outer.links
    assert (link.trace_id, link.span_id) == (
        sent.context.trace_id.to_bytes(16, "big"),
        sent.context.span_id.to_bytes(8, "big"),
    )
    assert [link.span_id for link in inner.links] == [spans["send shop.add"].span_id]
    assert spans["send shop.add"].parent_span_id == outer.span_id
    assert outer.parent_span_id == inner.parent_span_id == b""
    assert len({sent.context.trace_id.to_bytes(16, "big"), outer.trace_id, inner.trace_id}) == 3
    lines = [r for r in receiver.records() if r.body.string_value == "structlog.line"]
    request_ids = [keys(line.attributes)["request_id"] for line in lines]
    assert request_ids == [f"{sent.context.trace_id:032x}"]


@pytest.mark.services
def test_beat(receiver, redis_url):
    """What beat publishes begins a trace, and the task that runs for it is its child."""
    conf = {
        "task_default_queue": "beats",
        "beat_schedule": {"often": {"task": "shop.double", "schedule": 0.5, "args": (2,)}},
    }
    options = {"endpoint": receiver.endpoint, "broker": redis_url, "conf": conf}

    with (
        worker("--pool", "solo", **options),
        celery("beat", "--loglevel", "INFO", ready="beat: Starting...", **options),
    ):
        wait_until(
            lambda: (
                {"send shop.double", "process shop.double"} <= {s.name for s in receiver.spans()}
            ),
            "the task",
            60,
        )

    sent = {s.span_id: s for s in receiver.spans() if s.name == "send shop.double"}
    ran = [s for s in receiver.spans() if s.name == "process shop.double"]
    assert {span.parent_span_id for span in sent.values()} == {b""}
    assert len({span.trace_id for span in sent.values()}) == len(sent)
    for span in ran:
        assert sent[span.parent_span_id].trace_id == span.trace_id
