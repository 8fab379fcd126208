"""`traced`, `timed` and `counted`: every kind of function keeps its behaviour and is measured."""

import asyncio
import contextlib
import enum
import functools
import inspect

import pytest
import structlog

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import otel_flow

from otel_flow import counted, timed, traced


class Colour(enum.Enum):
    RED = "red"


def current_name():
    return getattr(trace.get_current_span(), "name", None)


@traced
def doubled(number: int) -> int:
    """Twice as much."""
    assert current_name() == "doubled"
    return 2 * number


@traced("app.fetch", arguments={"key": "app.key"}, attributes={"app.kind": "test"})
async def fetch(key, *, limit=10):
    await asyncio.sleep(0)
    return current_name(), limit


@traced
def numbers(stop):
    for number in range(stop):
        yield number, current_name()
    return "done"


@traced
async def letters():
    try:
        for letter in "abc":
            await asyncio.sleep(0)
            yield letter, current_name()
    finally:
        letters.closed = current_name()


def test_function(recording):
    """A traced function returns what it returned and has a span of its qualified name."""
    assert doubled(21) == 42
    assert doubled.__doc__ == "Twice as much."

    span = recording.span("doubled")
    assert span.attributes["code.function.name"].endswith("test_calls.doubled")
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET


def test_coroutine_with_arguments(recording):
    """A coroutine function stays one; the arguments asked for become attributes."""
    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.run(fetch("k", limit=3)) == ("app.fetch", 3)

    attributes = recording.span("app.fetch").attributes
    assert attributes["app.key"] == "k"
    assert attributes["app.kind"] == "test"
    assert "limit" not in attributes


def test_generator_is_current_only_while_it_runs(recording):
    """A generator's span is current inside it, and never in its consumer."""

    def consume():
        seen = []
        result = yield from wrap(seen)
        assert result == "done"

    def wrap(seen):
        generator = numbers(3)
        while True:
            try:
                seen.append(next(generator))
            except StopIteration as stop:
                assert seen == [(0, "numbers"), (1, "numbers"), (2, "numbers")]
                return stop.value
            assert current_name() is None
            yield

    assert len(list(consume())) == 3
    assert len([span for span in recording.spans() if span.name == "numbers"]) == 1


def test_generator_takes_values_and_exceptions(recording):
    """What a consumer sends or throws reaches the generator under measurement."""
    seen = []

    @traced
    def echo():
        while True:
            try:
                seen.append((yield))
            except KeyError as error:
                seen.append(error)

    running = echo()
    next(running)
    running.send("hello")
    thrown = KeyError("x")
    running.throw(thrown)
    running.close()

    assert seen == ["hello", thrown]
    assert recording.spans()[-1].status.status_code is StatusCode.UNSET


def test_async_generator(recording):
    """An async generator that its consumer closes early ends its span without an error."""

    async def consume():
        running = letters()
        seen = [await anext(running), await anext(running)]
        assert current_name() is None
        await running.aclose()
        return seen

    assert asyncio.run(consume()) == [("a", "letters"), ("b", "letters")]
    assert letters.closed == "letters"
    assert recording.span("letters").status.status_code is StatusCode.UNSET


def test_failure(recording):
    """An exception is raised on as it is, with error.type, status and an event on the span."""
    error = ValueError("no such luck")

    @traced("failing")
    def failing():
        raise error

    with pytest.raises(ValueError, match="no such luck") as caught:
        failing()

    assert caught.value is error
    span = recording.span("failing")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "ValueError"
    assert [event.name for event in span.events] == ["exception"]


def test_class(recording):
    """Of a class the public methods are traced, static and class methods too; the class stays."""

    @traced
    class Shop:
        def order(self):
            return self._check()

        @staticmethod
        def open():
            return True

        @classmethod
        def make(cls):
            return cls()

        def _check(self):
            return "checked"

    assert isinstance(Shop.make(), Shop)
    assert Shop.open()
    assert Shop().order() == "checked"
    names = [span.name.rpartition("<locals>.")[2] for span in recording.spans()]
    assert names == ["Shop.make", "Shop.open", "Shop.order"]


def test_parents(recording):
    """Nested calls nest their spans, and log events inside carry the inner span's id."""

    @traced("inner")
    def inner():
        structlog.get_logger("t").info("inside")

    @traced("outer")
    async def outer():
        await asyncio.to_thread(inner)

    asyncio.run(outer())

    outer_span, inner_span = recording.span("outer"), recording.span("inner")
    assert inner_span.parent.span_id == outer_span.context.span_id
    (record,) = recording.records()
    assert record.span_id == inner_span.context.span_id


@pytest.mark.parametrize("decorator", [traced, timed, counted])
def test_unknown_argument_when_decorated(decorator):
    """An argument that the function does not have is an error where it is decorated."""
    with pytest.raises(ValueError, match="has no parameter oder_id; it has order_id"):

        @decorator(arguments=["oder_id"])
        def place(order_id):
            raise AssertionError


@pytest.mark.parametrize("decorator", [traced, timed, counted])
def test_argument_that_raises_never_reaches_the_caller(recording, decorator):
    """A value that cannot be shown costs the measurement, not the call."""

    class Evil:
        def __str__(self):
            raise RuntimeError

    @decorator(arguments=["value"])
    def work(value):
        return 7

    assert work(Evil()) == 7


def test_timed(recording):
    """Timed functions share one histogram and are told apart by name, failures by error.type."""

    @timed
    def work(*, fail):
        if fail:
            raise LookupError

    work(fail=False)
    work(fail=False)
    with pytest.raises(LookupError):
        work(fail=True)

    points = recording.points("otel_flow.function.duration")
    counts = {point.attributes.get("error.type"): point.count for point in points}
    assert counts == {None: 2, "LookupError": 1}
    assert points[0].explicit_bounds[-1] == 600.0


def test_timed_by_name(recording):
    """A named histogram has its own buckets and only the attributes asked for."""

    @timed("app.video.duration", arguments=["stage"], buckets=(1.0, 2.0))
    async def process(stage: Colour, title):
        await asyncio.sleep(0)

    asyncio.run(process(Colour.RED, "x"))

    (point,) = recording.points("app.video.duration")
    assert point.attributes == {"stage": "red"}
    assert point.explicit_bounds == (1.0, 2.0)


def test_timed_generator_is_one_call(recording):
    """A generator is one call of its whole length, however many values it gives."""

    @timed("app.stream.duration")
    def stream():
        yield from "abc"

    assert "".join(stream()) == "abc"
    (point,) = recording.points("app.stream.duration")
    assert point.count == 1


def test_counted(recording):
    """A counter counts calls, failed ones apart."""

    @counted("app.orders.placed", unit="{order}", attributes={"app.channel": "web"})
    def place(order):
        return 1 // order

    assert [place(1), place(1)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        place(0)

    values = {
        (p.attributes["app.channel"], p.attributes.get("error.type")): p.value
        for p in recording.points("app.orders.placed")
    }
    assert values == {("web", None): 2, ("web", "ZeroDivisionError"): 1}


def test_without_telemetry():
    """Before configure() decorated code works and nothing is recorded."""

    @traced
    @timed
    @counted
    def work():
        return "done"

    assert work() == "done"


def test_later_telemetry(recording):
    """What was decorated and called before telemetry ran is recorded once it runs."""
    assert doubled(1) == 2
    assert recording.span("doubled")


class Scale:
    """An object that is called like a function."""

    def __call__(self, number):
        return number * 2


class Later:
    """One that is called like a coroutine function."""

    async def __call__(self, number):
        await asyncio.sleep(0)
        return trace.get_current_span().name


def test_objects_that_are_called_like_functions(recording):
    """Partial functions, objects with ``__call__`` and built-in functions are measured like others."""
    assert traced(functools.partial(pow, 2))(3) == 8
    assert traced(arguments=["number"])(Scale())(4) == 8
    assert asyncio.run(traced(Later())(1)) == "Later"
    assert counted(timed(len))([1, 2]) == 2

    assert [span.name for span in recording.spans()] == ["pow", "Scale", "Later"]
    assert recording.span("Scale").attributes["number"] == 4
    (point,) = recording.points("otel_flow.function.calls")
    assert point.attributes == {"code.function.name": "builtins.len"}


def test_a_coroutine_that_is_cancelled(recording):
    """A deadline that cancels a call ends its span with the error, and leaves none current."""

    @traced("waits")
    async def waits():
        await asyncio.Event().wait()

    async def go():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await waits()
        return trace.get_current_span()

    assert asyncio.run(go()) is trace.INVALID_SPAN
    assert recording.span("waits").attributes["error.type"].endswith("CancelledError")


def test_an_async_generator_that_is_cancelled(recording):
    """A consumer's task that is cancelled runs the generator's own clean-up, and ends its span."""
    cleaned = []

    @traced("stream")
    async def stream():
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            cleaned.append(trace.get_current_span().name)

    async def consume():
        async for _ in stream():
            pass

    async def go():
        task = asyncio.create_task(consume())
        for _ in range(10):  # turns of the loop, until it waits
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert cleaned == ["stream"]
    assert recording.span("stream").attributes["error.type"].endswith("CancelledError")


def test_no_function():
    """What is neither a function nor a class cannot be decorated."""
    with pytest.raises(TypeError, match="cannot measure 17"):
        traced("name")(17)
    with pytest.raises(TypeError, match="below @property"):
        traced(property(len))


def test_exported_names():
    """The front door has twelve names."""
    assert otel_flow.__all__ == [
        "ConfigError",
        "Settings",
        "Telemetry",
        "configure",
        "counted",
        "event",
        "get_logger",
        "instrument",
        "log_context",
        "request_id",
        "timed",
        "traced",
    ]
