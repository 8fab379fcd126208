"""Celery's own signals beside ours: applications receive them as ever."""

import contextlib

import pytest

from celery import Celery, signals
from celery.app import trace
from celery.utils.dispatch import Signal
from opentelemetry import propagate
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_flow.instrumentation.celery.signalling import receive_often


OFTEN = (signals.before_task_publish, signals.task_prerun, signals.task_postrun)


@contextlib.contextmanager
def received(*found):
    """Collect the names of the tasks for which each of the signals *found* arrives."""
    names = []

    def receive(signal, sender, **_):
        names.append((signal.name, getattr(sender, "name", sender)))

    for signal in found:
        signal.connect(receive, weak=False)
    try:
        yield names
    finally:
        for signal in found:
            signal.disconnect(receive)


def published(shop):
    """An application with a task that is published, and then run where it was."""
    app = shop()
    app.send_task("shop.add", (1, 2))
    assert app.tasks["shop.add"].apply((1, 2)).get() == 3
    return app


def recorded(recording):
    return sorted(span.name for span in recording.spans())


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_an_application_receives_every_signal(recording, shop, first):
    """Whoever receives the signals of a task gets each once, connected before us or after, as we do."""
    if first == "ours":
        shop()
    with received(*OFTEN) as names:
        published(shop)

    assert names == [(signal.name, "shop.add") for signal in OFTEN]
    assert recorded(recording) == ["process shop.add", "send shop.add"]


def test_a_receiver_that_raises_keeps_nobody_else_from_receiving(recording, shop, caplog):
    """An exception of the application's receiver is logged by Celery, and the task is recorded."""

    def receive(**_):
        raise LookupError("of the application")

    for signal in OFTEN:
        signal.connect(receive)
    try:
        published(shop)
    finally:
        for signal in OFTEN:
            signal.disconnect(receive)

    assert sum("of the application" in line for line in caplog.messages) == len(OFTEN)
    assert recorded(recording) == ["process shop.add", "send shop.add"]


def test_what_was_made_before_the_undo_goes_on(monkeypatch):
    """Signal and tracer are as before after the undo; who keeps the short way still sends the signal."""
    signal = Signal(name="often")
    usual = signal.send
    monkeypatch.setattr(trace, "send_often", usual, raising=False)
    ours, theirs = [], []
    undo = receive_often(signal, lambda **named: ours.append(named["sender"]), "send_often")
    kept = trace.send_often
    kept(sender="first")
    undo()

    assert kept != usual
    assert (trace.send_often, signal.send) == (usual, usual)
    signal.connect(lambda **named: theirs.append(named["sender"]), weak=False)
    kept(sender="second")
    assert (ours, theirs) == (["first"], ["second"])


class BrokenPropagator(TraceContextTextMapPropagator):
    def inject(self, *arguments, **options):
        raise KeyError("no such header")


def test_a_propagator_that_raises_keeps_no_message_back(recording, shop, monkeypatch, caplog):
    """A message that cannot carry the trace is sent without it, is recorded, and one line says so."""
    monkeypatch.setattr(propagate, "get_global_textmap", BrokenPropagator)
    app = shop()
    for _ in range(2):
        app.send_task("shop.add", (1, 2))

    assert recorded(recording) == ["send shop.add"] * 2
    assert [line for line in caplog.messages if "not recorded" in line] == [
        "a task was not recorded"
    ]


def test_an_application_made_before_records_too(recording):
    """An application that has published before it is instrumented sends its signals as usual, and is recorded."""
    app = Celery("early", broker="memory://")
    app.send_task("shop.add", (1, 2))
    undo = recording.telemetry.instrument(app)
    app.send_task("shop.add", (1, 2))
    undo()

    assert recorded(recording) == ["send shop.add"]
    app.close()
