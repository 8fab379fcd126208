"""Names of the process and the interpreter (semantic conventions: process and CPython metrics)."""

from __future__ import annotations

from otel_flow.names.model import Attribute, Event, Metric


CPU_MODE = Attribute(
    name="cpu.mode", type="string", brief="user or system.", stability="development"
)
SWITCH_TYPE = Attribute(
    name="process.context_switch.type",
    type="string",
    brief="voluntary or involuntary.",
    stability="development",
)
GENERATION = Attribute(
    name="cpython.gc.generation",
    type="int",
    brief="The garbage collector's generation, 0 to 2.",
    stability="development",
)
TOKEN_STATE = Attribute(
    name="otel_flow.thread_limiter.state",
    type="string",
    brief="borrowed, free or waiting.",
    stability="otel_flow",
)
BLOCKED_FOR = Attribute(
    name="otel_flow.eventloop.blocked",
    type="double",
    brief="Seconds for which the event loop did not run.",
    stability="otel_flow",
)
STACKTRACE = Attribute(
    name="code.stacktrace", type="string", brief="What the event loop's thread was doing."
)

DELAY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds of pauses, in seconds."""


def _observed(name: str, unit: str, kind: str, brief: str, *attributes: Attribute) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        instrument=kind,  # type: ignore[arg-type]
        brief=brief,
        attributes=attributes,
        observed=True,
        stability="otel_flow" if name.startswith("otel_flow.") else "development",
    )


CPU_TIME = _observed("process.cpu.time", "s", "counter", "CPU seconds used.", CPU_MODE)
MEMORY_USAGE = _observed("process.memory.usage", "By", "updowncounter", "Physical memory in use.")
MEMORY_VIRTUAL = _observed(
    "process.memory.virtual", "By", "updowncounter", "Virtual memory committed."
)
THREADS = _observed("process.thread.count", "{thread}", "updowncounter", "Threads.")
DESCRIPTORS = _observed(
    "process.unix.file_descriptor.count",
    "{file_descriptor}",
    "updowncounter",
    "Open file descriptors.",
)
SWITCHES = _observed(
    "process.context_switches",
    "{context_switch}",
    "counter",
    "Context switches.",
    SWITCH_TYPE,
)
UPTIME = _observed("process.uptime", "s", "gauge", "Seconds since the process started.")

COLLECTIONS = _observed(
    "cpython.gc.collections",
    "{collection}",
    "counter",
    "Runs of the garbage collector.",
    GENERATION,
)
COLLECTED = _observed(
    "cpython.gc.collected_objects",
    "{object}",
    "counter",
    "Objects that the garbage collector freed.",
    GENERATION,
)
UNCOLLECTABLE = _observed(
    "cpython.gc.uncollectable_objects",
    "{object}",
    "counter",
    "Objects that the garbage collector could not free.",
    GENERATION,
)
GC_DURATION = Metric(
    name="otel_flow.gc.duration",
    unit="s",
    instrument="histogram",
    brief="How long runs of the garbage collector stopped the process.",
    attributes=(GENERATION,),
    buckets=(0.0001, 0.0005, *DELAY_BUCKETS),
    stability="otel_flow",
)

LOOP_DELAY = Metric(
    name="otel_flow.eventloop.delay",
    unit="s",
    instrument="histogram",
    brief="How late the event loop ran what was due, measured four times a second.",
    buckets=DELAY_BUCKETS,
    stability="otel_flow",
)
TASKS = _observed(
    "otel_flow.asyncio.task.count", "{task}", "updowncounter", "Tasks of the event loops."
)
LIMITER_TOKENS = _observed(
    "otel_flow.thread_limiter.token.count",
    "{token}",
    "updowncounter",
    "Tokens of AnyIO's default thread limiter, which runs synchronous endpoints.",
    TOKEN_STATE,
)

BLOCKED = Event(
    name="otel_flow.eventloop.blocked",
    severity="WARN",
    brief="One callback kept the event loop from running; the stack shows which.",
    attributes=(BLOCKED_FOR, STACKTRACE),
)

METRICS = (
    CPU_TIME,
    MEMORY_USAGE,
    MEMORY_VIRTUAL,
    THREADS,
    DESCRIPTORS,
    SWITCHES,
    UPTIME,
    COLLECTIONS,
    COLLECTED,
    UNCOLLECTABLE,
    GC_DURATION,
    LOOP_DELAY,
    TASKS,
    LIMITER_TOKENS,
)
EVENTS = (BLOCKED,)
