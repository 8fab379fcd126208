"""What is measured of the process, the garbage collector, event loops and AnyIO's threads."""

import asyncio
import gc
import os
import pathlib
import threading
import time

import anyio
import anyio.to_thread
import pytest

from otel_flow.instrumentation import runtime
from otel_flow.settings import Settings
from tests.recording import Recording
from tests.stack.query import poll_until


@pytest.fixture
def recording():
    made = Recording(blocked_loop=0.2)
    yield made
    runtime.uninstrument()
    made.close()


def by(points, attribute):
    return {point.attributes[attribute]: point.value for point in points}


def value(recording, name):
    (point,) = recording.points(name)
    return point.value


def test_process(recording):
    """CPU, memory, threads, descriptors and uptime are those that the system shows."""
    runtime.instrument(telemetry=recording.telemetry, groups=["process"])
    with pathlib.Path(os.devnull).open() as _held:
        opened = value(recording, "process.unix.file_descriptor.count")
    assert opened == value(recording, "process.unix.file_descriptor.count") + 1

    times = os.times()
    assert by(recording.points("process.cpu.time"), "cpu.mode")["user"] >= times.user
    assert value(recording, "process.thread.count") >= threading.active_count()
    assert (
        2**20
        < value(recording, "process.memory.usage")
        < value(recording, "process.memory.virtual")
    )
    assert 0 < value(recording, "process.uptime") < 86400
    assert set(by(recording.points("process.context_switches"), "process.context_switch.type"))


def test_garbage(recording):
    """Each run of the collector is counted and timed, by generation."""
    runtime.instrument(telemetry=recording.telemetry, groups=["gc"])
    before = by(recording.points("cpython.gc.collections"), "cpython.gc.generation")
    for _ in range(3):
        gc.collect()

    after = by(recording.points("cpython.gc.collections"), "cpython.gc.generation")
    assert after[2] >= before[2] + 3
    durations = {
        p.attributes["cpython.gc.generation"]: p.count
        for p in recording.points("otel_flow.gc.duration")
    }
    assert durations[2] >= 3
    assert recording.points("cpython.gc.collected_objects")


def test_groups(recording):
    """A group that is not asked for leaves no trace."""
    runtime.instrument(telemetry=recording.telemetry, groups=["gc"])

    assert recording.points("process.cpu.time") == []
    runtime.uninstrument()
    assert not any(getattr(c, "__qualname__", "").startswith("_Pauses") for c in gc.callbacks)


GROUPS = {
    "process": "process.cpu.time",
    "gc": "cpython.gc.collections",
    "eventloop": "otel_flow.eventloop.delay",
    "anyio": "otel_flow.thread_limiter.token.count",
}
"""Each group, and a metric that it alone has."""


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_alone(recording, group):
    """One group that is asked for, once or twice, measures what is its own and nothing of the others."""
    for _ in range(2):
        runtime.instrument(telemetry=recording.telemetry, groups=[group])

    def seen():
        return {name for name in GROUPS.values() if recording.points(name)}

    async def main():
        limiter = anyio.to_thread.current_default_thread_limiter()
        assert limiter.total_tokens
        return await asyncio.to_thread(poll_until, seen, 20, "a point")

    assert asyncio.run(main()) == {GROUPS[group]}


def test_delay_of_the_loop(recording):
    """Beats of a loop under asyncio.run are recorded, and its tasks counted."""
    runtime.instrument(telemetry=recording.telemetry, groups=["eventloop"])

    async def main():
        waiting = [asyncio.create_task(asyncio.sleep(30)) for _ in range(3)]
        await asyncio.to_thread(
            poll_until, lambda: recording.points("otel_flow.eventloop.delay"), 10, "a beat"
        )
        tasks = await asyncio.to_thread(value, recording, "otel_flow.asyncio.task.count")
        for task in waiting:
            task.cancel()
        return tasks

    assert asyncio.run(main()) == 4


def block(seconds):
    time.sleep(seconds)


def test_blocked_loop_shows_the_stack_and_the_trace(recording):
    """A callback that blocks the loop is logged with its stack, under the trace it belongs to."""
    runtime.instrument(telemetry=recording.telemetry, groups=["eventloop"])
    tracer = recording.telemetry.tracer_provider.get_tracer("t")

    async def blocks():
        with tracer.start_as_current_span("request") as span:
            await asyncio.sleep(0.15)
            block(0.6)
            return span.get_span_context()

    async def main():
        context = await asyncio.create_task(blocks())
        await asyncio.to_thread(poll_until, recording.records, 10, "the report")
        return context

    context = asyncio.run(main())
    (record,) = recording.records()
    assert record.event_name == "otel_flow.eventloop.blocked"
    assert record.severity_text == "WARN"
    assert "time.sleep(seconds)" in record.attributes["code.stacktrace"]
    assert 0.4 < record.attributes["otel_flow.eventloop.blocked"] < 5
    assert record.trace_id == context.trace_id


def test_what_runs_before_the_loop_has_turned_blocks_nobody(recording):
    """The first step of a loop, in which servers import the application, is not reported."""
    runtime.instrument(telemetry=recording.telemetry, groups=["eventloop"])

    async def main():
        block(0.9)
        await asyncio.sleep(0.6)

    asyncio.run(main())

    assert recording.records() == []
    (delay,) = recording.points("otel_flow.eventloop.delay")
    assert delay.max < 0.8


def test_loop_that_is_never_blocked(recording):
    """A loop that runs and waits is not reported."""
    runtime.instrument(telemetry=recording.telemetry, groups=["eventloop"])
    asyncio.run(asyncio.sleep(1.0))

    assert recording.records() == []


def test_thread_limiter(recording):
    """Borrowed, free and waiting tokens of AnyIO's limiter are seen while threads are busy."""
    runtime.instrument(telemetry=recording.telemetry, groups=["anyio"])
    release = threading.Event()
    seen = []

    async def main():
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(anyio.to_thread.run_sync, release.wait)
            while not seen or seen[-1]["waiting"] != 1:
                await anyio.sleep(0.01)
                points = recording.points("otel_flow.thread_limiter.token.count")
                seen.append(by(points, "otel_flow.thread_limiter.state"))
            release.set()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert seen[-1] == {"borrowed": 2, "free": 0, "waiting": 1}


def test_no_thread_without_a_loop(recording):
    """Without event loops nothing looks for blocked ones, and after the undo nothing does either."""
    undo = runtime.instrument(telemetry=recording.telemetry)

    def watching():
        return [t for t in threading.enumerate() if t.name == "otel-flow-loops"]

    assert watching() == []
    asyncio.run(asyncio.sleep(0))
    undo()
    poll_until(lambda: not watching(), 5, "the end of the thread")
    assert not hasattr(asyncio.Runner.run, "__wrapped__")


def test_child_has_a_watch_of_its_own(recording):
    """A forked child watches the loops that it starts itself."""
    runtime.instrument(telemetry=recording.telemetry, groups=["eventloop"])

    async def parent():
        pid = os.fork()
        if pid == 0:
            os._exit(0 if not list(_watch().pulses) else 1)
        return await asyncio.to_thread(os.waitpid, pid, 0)

    assert os.waitstatus_to_exitcode(asyncio.run(parent())[1]) == 0


def _watch():
    return asyncio.Runner.run.__closure__[2].cell_contents.__self__


def test_settings():
    """Groups are chosen by a setting, none of them by none."""
    assert Settings.from_environ({"OTEL_FLOW_RUNTIME": "none"}).runtime == ()
    assert Settings.from_environ({"OTEL_FLOW_RUNTIME": "gc"}).runtime == ("gc",)
