"""What `benchmarks/growth.py` measures in one process: each function returns a figure of a side and a number."""

import asyncio
import dataclasses
import gc
import time
import tracemalloc

from opentelemetry.trace import SpanKind

from benchmarks import service  # noqa: F401  imported before the forks
from benchmarks.breakdown import ask
from benchmarks.operations import preload
from benchmarks.sides import SETTINGS, SIDES


preload()

SPANS = 100
REQUESTS = 200


def _microseconds(call, times, items):
    """Return the CPU time of one item, of *items* that a call does, after two calls to warm up."""
    call()
    call()
    gc.collect()
    gc.disable()
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times / items * 1e6


def requests(name, routes):
    """Return the µs of a request to one of so many *routes*, without encoding."""
    import fastapi

    side = SIDES[name]()
    side.serve()
    app = fastapi.FastAPI()

    async def read(item_id: int):
        return {"id": item_id}

    for number in range(routes):
        app.get(f"/shop{number}/{{item_id}}")(read)
    side.instrument("fastapi", app)
    paths = [f"/shop{number}/7" for number in range(routes)]
    runner = asyncio.Runner()
    return _microseconds(lambda: runner.run(ask(app, REQUESTS, paths)), 3, REQUESTS)


def attributes(name, count):
    """Return the µs of a span with so many attributes, from its start until it is encoded."""
    side = SIDES[name]()
    tracer = side.tracer_provider.get_tracer("bench")
    given = {f"app.attribute.{number}": f"value {number}" for number in range(count)}

    def call():
        for _ in range(SPANS):
            tracer.start_span("work", None, SpanKind.INTERNAL, given).end()
        side.encode_spans(side.spans.take(SPANS))

    return _microseconds(call, 10, SPANS)


def children(name, count):
    """Return the µs of a span and so many children, from their start until they are encoded."""
    side = SIDES[name]()
    tracer = side.tracer_provider.get_tracer("bench")

    def call():
        with tracer.start_as_current_span("request"):
            for _ in range(count):
                with tracer.start_as_current_span("child"):
                    pass
        side.encode_spans(side.spans.take(count + 1))

    return _microseconds(call, max(10, 1000 // count), 1)


def _side_with(name, count):
    """Return a side with room for so many series."""
    if name == "upstream":
        return SIDES[name]()
    return SIDES[name](settings=dataclasses.replace(SETTINGS, cardinality_limit=count))


def _record(side, count):
    histogram = side.meter_provider.get_meter("bench").create_histogram("seconds")
    for number in range(count):
        histogram.record(0.2, {"http.route": f"/items/{number}", "http.response.status_code": 200})


def series(name, count):
    """Return the ms in which so many series of a histogram are collected and encoded."""
    side = _side_with(name, count)
    _record(side, count)
    call = lambda: side.encode_metrics(side.reader.get_metrics_data())  # noqa: E731
    return _microseconds(call, max(1, 2000 // count), 1) / 1e3


def memory(name, count):
    """Return the bytes that one of so many series of a histogram takes."""
    side = _side_with(name, count)
    _record(side, 1)
    tracemalloc.start()
    _record(side, count)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / count
