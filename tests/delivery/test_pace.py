"""Collecting lets others run, in slices that go on from one piece of work to the next."""

import asyncio
import threading

import pytest
import trio

from opentelemetry.sdk.resources import Resource

from otel_flow.delivery import build_pipeline, pace
from otel_flow.providers import build_meter_provider
from otel_flow.redaction import build_redaction
from otel_flow.settings import OtlpSettings, Settings


SERIES = 500
INSTRUMENTS = 50


@pytest.fixture
def pauses(monkeypatch):
    """The threads that paused, by name."""
    made = []
    monkeypatch.setattr(pace, "sleep", lambda _: made.append(threading.current_thread().name))
    return made


@pytest.fixture
def collected(base, backend):
    """Collect series of many instruments of a pipeline of ours; return the values that arrived."""
    settings = Settings(
        service_name="pace",
        shutdown_timeout=30,
        metric_interval=3600,
        **{f"otlp_{signal}": OtlpSettings(endpoint=f"{base}/v1/{signal}") for signal in SIGNALS},
    )
    pipeline = build_pipeline(settings)
    provider = build_meter_provider(
        settings,
        Resource({}),
        metric_readers=pipeline.metric_readers,
        redaction=build_redaction(settings),
    )
    for name in range(INSTRUMENTS):
        counter = provider.get_meter("pace").create_counter(f"count.{name}")
        for number in range(SERIES // INSTRUMENTS):
            counter.add(number, {"number": number})

    def collect():
        assert pipeline.force_flush(30)
        return sorted(
            (metric.name, point.as_int)
            for metric in backend.metrics()
            for point in metric.sum.data_points
            if metric.name.startswith("count.")
        )

    yield collect
    pipeline.shutdown(30)


SIGNALS = ("traces", "metrics", "logs")


def test_slice_of_a_thread(pauses, monkeypatch):
    """A slice is a thread's, whatever it works on, and nobody pauses within it."""
    monkeypatch.setattr(pace, "SLICE_SECONDS", 3600.0)

    def work():
        for _ in range(10):
            pace.step()

    for name in ("one", "other"):
        thread = threading.Thread(target=work, name=name)
        thread.start()
        thread.join()

    assert pauses == ["one", "other"]


def test_every_stage_lets_others_run(pauses, monkeypatch, collected):
    """Collecting, redacting, encoding and freeing pause between their points, however many instruments."""
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0.0)
    arrived = collected()
    by_collector = pauses.count("otel-flow-collect")

    assert len(arrived) == SERIES
    assert by_collector >= 3 * SERIES + 2 * INSTRUMENTS


def test_slices_change_nothing(pauses, monkeypatch, collected):
    """What arrives in one slice arrives in slices, every value once, and again the next time."""
    expected = sorted(
        (f"count.{name}", number)
        for name in range(INSTRUMENTS)
        for number in range(SERIES // INSTRUMENTS)
    )
    monkeypatch.setattr(pace, "SLICE_SECONDS", 3600.0)
    at_once = collected()
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0.0)
    twice = collected()

    assert at_once == expected
    assert twice == sorted(expected * 2)


def test_spans_are_encoded_in_slices(pauses, build, base, backend):
    """Whoever encodes a backlog of spans lets others run again and again."""
    flow = build(base, delay=600)
    for _ in range(400):
        flow.span()
    assert flow.pipeline.force_flush(60)

    assert len(backend.spans()) == 400
    assert pauses.count("otel-flow") > 1


def test_a_loop_gives_nobody_way(pauses):
    """A thread that fills the queue pauses for the engine, but not where an event loop runs in it."""

    async def run():
        pace.give_way()

    asyncio.run(run())
    trio.run(run)
    assert pauses == []

    pace.give_way()
    assert pauses == ["MainThread"]


def test_a_crowded_queue_is_emptied_without_pauses(pauses):
    """The engine pauses less where so much waits that items may soon be dropped."""
    pace.step()
    pace.hurry()
    before = len(pauses)
    pace.step()

    assert len(pauses) == before
