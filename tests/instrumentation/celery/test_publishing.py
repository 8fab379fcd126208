"""What is recorded where a task is published, and where it runs in the publisher itself."""

import contextlib

import pytest

from celery import Celery, signals
from kombu.exceptions import OperationalError
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.trace import SpanKind, StatusCode

import otel_flow

from otel_flow.correlation import bind_request_id, unbind_request_id
from otel_flow.instrumentation import celery
from tests.instrumentation.celery.shop import build


def call(app, name, *arguments, **options):
    return app.tasks[f"shop.{name}"].apply_async(arguments, **options)


@contextlib.contextmanager
def connected(signal, receiver):
    """*receiver* hears *signal* inside the block."""
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def test_publishing_is_one_producer_span(recording, shop):
    """A published task is one PRODUCER span by the messaging conventions, named by the task."""
    app = shop()

    result = call(app, "add", 1, 2)

    (span,) = recording.spans()
    assert (span.name, span.kind) == ("send shop.add", SpanKind.PRODUCER)
    assert dict(span.attributes) == {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.system": "memory",
        "messaging.destination.name": "celery",
        "messaging.message.id": result.id,
        "celery.task.name": "shop.add",
    }
    (sent,) = recording.points("messaging.client.sent.messages")
    assert (sent.value, dict(sent.attributes)) == (
        1,
        {
            "messaging.operation.name": "send",
            "messaging.system": "memory",
            "messaging.destination.name": "celery",
            "celery.task.name": "shop.add",
        },
    )
    (duration,) = recording.points("messaging.client.operation.duration")
    expected = {**sent.attributes, "messaging.operation.type": "send"}
    assert (duration.count, duration.attributes) == (1, expected)


def test_a_task_of_another_application_is_published_with_its_span(recording, shop):
    """`send_task` of a name that is not registered has a span like any other, ended on return."""
    shop().send_task("elsewhere.work", queue="other")

    span = recording.span("send elsewhere.work")
    assert span.attributes["messaging.destination.name"] == "other"
    assert span.end_time > span.start_time


def test_a_task_that_cannot_be_published_is_an_error(recording, shop):
    """A broker that is not there is an error of the span and of the count, and reaches the caller."""
    app = shop("amqp://127.0.0.1:1//", None)

    with pytest.raises(OperationalError):
        call(app, "add", 1, 2, retry=False)

    (span,) = recording.spans()
    (point,) = recording.points("messaging.client.sent.messages")
    assert span.status.status_code == StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert span.attributes["error.type"] == "kombu.exceptions.OperationalError"
    assert point.attributes["error.type"] == "kombu.exceptions.OperationalError"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("127.0.0.1", 1)


def test_the_message_carries_trace_baggage_and_request_id(recording, shop):
    """Headers of a message have the span's context, the baggage and the bound request id."""
    app = shop(task_default_queue="carried")
    bound = bind_request_id("ticket-7")
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    try:
        call(app, "add", 1, 2)
    finally:
        context.detach(token)
        unbind_request_id(bound)

    with app.connection_for_read() as connection:
        headers = connection.SimpleQueue("carried").get(timeout=5).headers
    span = recording.span("send shop.add")
    assert headers["traceparent"].split("-")[2] == trace.format_span_id(span.context.span_id)
    assert (headers["baggage"], headers["x-request-id"]) == ("tenant=acme", "ticket-7")


def test_a_receiver_that_publishes_leaves_the_message_its_own(recording, shop):
    """What a receiver of the application's publishes meanwhile is not taken for the message."""
    app = shop(task_default_queue="outer")

    def publish(sender, **_):
        if sender == "shop.add":
            call(app, "double", 1, queue="inner")

    with connected(signals.before_task_publish, publish):
        call(app, "add", 1, 2)

    (span,) = recording.spans()
    with app.connection_for_read() as connection:
        inner = connection.SimpleQueue("inner").get(timeout=5).headers
        outer = connection.SimpleQueue("outer").get(timeout=5).headers
    assert span.attributes["messaging.destination.name"] == "outer"
    assert span.attributes["messaging.message.id"] == outer["id"]
    assert "traceparent" in outer
    assert "traceparent" not in inner


def test_a_name_that_the_task_gives_its_span_stays(recording, shop):
    """What a task calls its own span, and what it says on it, is kept."""
    app = shop(task_always_eager=True)

    @app.task(name="shop.rename", shared=False)
    def rename():
        trace.get_current_span().update_name("renamed")
        trace.get_current_span().set_attribute("order", 17)

    rename.delay()

    (span,) = recording.spans()
    assert span.name == "renamed"
    assert (span.attributes["order"], span.attributes["celery.task.state"]) == (17, "success")


def test_an_eager_task_is_a_child_of_its_caller(recording, shop):
    """With `task_always_eager` there is no message: one CONSUMER span below the caller's."""
    app = shop(task_always_eager=True)
    tracer = recording.telemetry.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("caller"):
        assert call(app, "add", 1, 2).get() == 3

    task, caller = recording.spans()
    assert (task.name, task.kind) == ("process shop.add", SpanKind.CONSUMER)
    assert task.parent.span_id == caller.context.span_id
    assert task.attributes["celery.task.eager"] is True
    (outcome,) = recording.points("celery.task.outcomes")
    assert outcome.attributes["celery.task.state"] == "success"
    assert recording.points("celery.task.queue_time") == []


@pytest.mark.parametrize("throw", [False, True])
@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("fail", ("failure", "ValueError")),
        ("refuse", ("failure", "KeyError")),
        ("reject", ("rejected", None)),
        ("ignore", ("ignored", None)),
    ],
)
def test_eager_outcomes(recording, shop, name, ending, throw):
    """An eager task ends in the state a worker's would, whether or not it raises into its caller."""
    app = shop(task_always_eager=True, task_eager_propagates=throw)

    try:
        int("x")
    except ValueError:  # which is being handled where the task is called
        with contextlib.suppress(ValueError, KeyError):
            call(app, name)
            assert not throw or ending[0] != "failure"

    (span,) = recording.spans()
    (outcome,) = recording.points("celery.task.outcomes")
    failed = name == "fail"
    assert ending == (span.attributes["celery.task.state"], span.attributes.get("error.type"))
    assert (span.status.status_code == StatusCode.ERROR) == failed
    assert [event.name for event in span.events] == ["exception"] * failed
    assert outcome.value == 1
    assert ending == (outcome.attributes["celery.task.state"], outcome.attributes.get("error.type"))


def test_an_eager_retry_is_no_failure(recording, shop):
    """A retry is a run that ended in the state retry, with its reason and no error."""
    app = shop(task_always_eager=True)

    assert call(app, "flaky").get() == 1

    first, second = recording.spans()
    assert first.attributes["celery.task.state"] == "retry"
    assert first.attributes["celery.task.retry.reason"] == "ConnectionError"
    assert first.status.status_code == StatusCode.UNSET
    assert second.attributes["celery.task.retries"] == 1
    assert second.attributes["celery.task.state"] == "success"


def test_lines_of_a_task_have_its_ids(recording, shop):
    """Lines of structlog and of `get_task_logger` carry span, task name and task id, once each."""
    app = shop(task_always_eager=True)

    result = call(app, "add", 1, 2)

    span = recording.span("process shop.add")
    lines = [r for r in recording.records() if r.body in {"structlog.line", "task.logger.line"}]
    assert sorted(line.body for line in lines) == ["structlog.line"]
    for line in lines:
        assert line.span_id == span.context.span_id
        assert line.attributes["celery.task.name"] == "shop.add"
        assert line.attributes["messaging.message.id"] == result.id


def test_a_task_leaves_nothing_bound(recording, shop):
    """What was bound for a task is gone after it."""
    app = shop(task_always_eager=True)

    call(app, "add", 1, 2)

    assert otel_flow.request_id() is None
    assert not trace.get_current_span().get_span_context().is_valid


def test_instrumenting_twice_records_once(recording, shop):
    """An application that is instrumented by name and with all others is recorded once."""
    app = shop()
    recording.telemetry.instrument(app)
    celery.instrument(telemetry=recording.telemetry)

    call(app, "add", 1, 2)

    celery.uninstrument()
    assert len(recording.spans()) == 1


@pytest.mark.parametrize("first", ["ours", "contrib"])
def test_contrib_is_kept_out(recording, shop, first):
    """Contrib's Celery instrumentation, begun before or after ours, adds no spans."""
    contrib = CeleryInstrumentor()
    begin = {
        "ours": lambda: celery.instrument(telemetry=recording.telemetry),
        "contrib": lambda: contrib.instrument(tracer_provider=recording.telemetry.tracer_provider),
    }
    for side in (first, *(begin.keys() - {first})):
        begin[side]()
    app = build("memory://", task_always_eager=True)

    call(app, "double", 1)
    celery.uninstrument()
    contrib.uninstrument()
    contrib.instrument(tracer_provider=recording.telemetry.tracer_provider)
    call(app, "double", 1)
    contrib.uninstrument()

    assert [span.name for span in recording.spans()] == ["process shop.double", "run/shop.double"]


def test_after_the_undo_nothing_is_recorded(recording):
    """The undo restores Celery's classes and signals, and the next application may begin anew."""
    before = (Celery.send_task, list(signals.task_prerun.receivers))
    undo = celery.instrument(telemetry=recording.telemetry)
    app = build("memory://")
    app.send_task("shop.add")

    undo()
    app.send_task("shop.add")

    assert [span.name for span in recording.spans()] == ["send shop.add"]
    assert (Celery.send_task, list(signals.task_prerun.receivers)) == before


def test_an_application_that_is_switched_off_is_not_recorded(recording, shop):
    """`uninstrument(app)` excepts one application from all the others."""
    app = shop()
    celery.instrument(telemetry=recording.telemetry)

    celery.uninstrument(app)
    call(app, "add", 1, 2)

    celery.uninstrument()
    assert recording.spans() == []
