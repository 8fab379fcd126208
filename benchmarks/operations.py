"""
The single calls that are measured, of upstream and of ours: one row an operation.

`benchmarks/micro.py` takes their time, `benchmarks/instructions.py` counts their instructions.
"""

import asyncio
import contextlib
import dataclasses
import importlib
import logging
import os
import pathlib
import sys

from collections.abc import Callable

from opentelemetry.context import attach
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF
from opentelemetry.trace import SpanKind, set_span_in_context

from benchmarks.sides import CAPACITY, SIDES
from otel_flow.providers.bound import bind


ATTRIBUTES = {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.path": "/items/7",
    "network.protocol.version": "1.1",
    "server.address": "shop.example",
    "server.port": 443,
    "http.route": "/items/{item_id}",
    "http.response.status_code": 200,
}
FEW = {
    "http.request.method": "GET",
    "http.route": "/items/{item_id}",
    "http.response.status_code": 200,
}
EVENT = {
    "order_id": 17,
    "customer": "c-17",
    "total": 12.5,
    "express": False,
    "request_id": "6aaf3bed99856f040dc09ef9bae25ab8",
    "code.file.path": "/srv/shop/orders.py",
    "code.line.number": 143,
    "code.function.name": "shop.orders.place",
}
"""What a log event of ours has, with the place that it was written at."""
ITEMS = 100
REQUESTS = 20


@dataclasses.dataclass(frozen=True)
class Operation:
    """One row: *build* takes the name of a side and returns what is called."""

    name: str
    build: Callable[[str], Callable[[], object]]
    items: int = 1
    """How many operations a call does."""
    alone: bool = False
    """It changes the process: one side a process."""
    sides: tuple[str, ...] = ("upstream", "ours")


def _finished(tracer, attributes=None):
    """Start a span, set the last of eight attributes, end it."""
    span = tracer.start_span("GET /items/{item_id}", None, SpanKind.SERVER, attributes)
    span.set_attribute("http.response.status_code", 200)
    span.end()


_FIRST = dict(list(ATTRIBUTES.items())[:-1])


def _span(name, sampler=None):
    tracer = SIDES[name](sampler).tracer_provider.get_tracer("bench")
    return lambda: _finished(tracer, _FIRST)


def _current_span(name):
    tracer = SIDES[name]().tracer_provider.get_tracer("bench")

    def call():
        with tracer.start_as_current_span("work"):
            pass

    return call


def _whole_spans(name):
    side = SIDES[name]()
    tracer = side.tracer_provider.get_tracer("bench")

    def call():
        for _ in range(ITEMS):
            _finished(tracer, _FIRST)
        side.encode_spans(side.spans.take(ITEMS))

    return call


def _spans_encoded(name):
    side = SIDES[name]()
    tracer = side.tracer_provider.get_tracer("bench")
    for _ in range(ITEMS):
        _finished(tracer, _FIRST)
    spans = side.spans.take(ITEMS)
    return lambda: side.encode_spans(spans)


def _counter(name, *, bound):
    meter = SIDES[name]().meter_provider.get_meter("bench")
    counter = meter.create_counter("count")
    if bound and name == "ours":
        handle = bind(counter, FEW)
        return lambda: handle.add(1)
    return lambda: counter.add(1, FEW)


def _histogram(name, *, bound):
    meter = SIDES[name]().meter_provider.get_meter("bench")
    histogram = meter.create_histogram("size")
    if bound and name == "ours":
        handle = bind(histogram, FEW)
        return lambda: handle.record(7)
    return lambda: histogram.record(7, FEW)


def _exemplar(name):
    """A histogram inside of a sampled span."""
    tracer = SIDES[name]().tracer_provider.get_tracer("bench")
    attach(set_span_in_context(tracer.start_span("request")))
    return _histogram(name, bound=True)


def _points_encoded(name):
    side = SIDES[name]()
    counter = side.meter_provider.get_meter("bench").create_counter("orders")
    for number in range(ITEMS):
        counter.add(1, {"http.route": f"/items/{number}", "http.response.status_code": 200})
    data = side.reader.get_metrics_data()
    return lambda: side.encode_metrics(data)


def _logger(name):
    """Return the side and a function that writes one event inside of a span."""
    side = SIDES[name]()
    log = side.log(pathlib.Path(os.devnull).open("w"))  # noqa: SIM115  open to the end
    tracer = side.tracer_provider.get_tracer("bench")
    attach(set_span_in_context(tracer.start_span("request")))

    def call():
        log.info("order.placed", order_id=17, customer="c-17", total=12.5, express=False)

    return side, call


def _log_event(name):
    return _logger(name)[1]


def _records_encoded(name):
    """The same record on both sides, inside of a span; in a log event upstream's has only a text."""
    side = SIDES[name]()
    tracer = side.tracer_provider.get_tracer("bench")
    with tracer.start_as_current_span("request"):
        for _ in range(ITEMS):
            side.emit("order.placed", EVENT)
    records = side.records.take(ITEMS)
    return lambda: side.encode_records(records)


def _request(name):
    """``/hello`` of FastAPI, called as a server would."""
    from benchmarks import service
    from benchmarks.breakdown import ask

    side = SIDES[name]()
    side.serve()
    app = service.build(None)
    side.instrument("fastapi", app)
    runner = asyncio.Runner()
    return _recorded(name, side, lambda: runner.run(ask(app, REQUESTS)))


def _items(name):
    """``/items`` of FastAPI: a command, a statement and two log lines, all encoded that is recorded."""
    import redis.asyncio

    from benchmarks import contenders, service
    from benchmarks.breakdown import ask
    from benchmarks.canned import CannedAsync

    side = SIDES[name]()
    sys.stdout = pathlib.Path(os.devnull).open("w")  # noqa: SIM115  open to the end
    side.serve()
    if name != "ours":
        contenders.bare()
    app = service.build(None)
    client = redis.asyncio.Redis(connection_pool=redis.asyncio.ConnectionPool(CannedAsync))
    engine = service.add_items(app, client)
    for library, target in (("fastapi", app), ("redis", client), ("sqlalchemy", engine)):
        side.instrument(library, target)
    paths = [f"/items/{number}" for number in range(100)]
    runner = asyncio.Runner()

    def call():
        runner.run(ask(app, REQUESTS, paths))
        if name != "bare":
            side.encode_spans(side.spans.take(CAPACITY))
            side.encode_records(side.records.take(CAPACITY))

    if name != "bare":
        runner.run(ask(app, REQUESTS, paths))
        spans, records = len(side.spans), len(side.records)
        if spans < 3 * REQUESTS or records != 2 * REQUESTS:
            raise RuntimeError(f"{name} has recorded {spans} spans and {records} log records")
    return call


class _Transport:
    """What uvicorn writes a response to."""

    def __init__(self):
        self.answered = asyncio.Event()

    def get_extra_info(self, name, default=None):
        known = {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 8000)}
        return known.get(name, default)

    def write(self, data):
        if b"world" in data:
            self.answered.set()

    def is_closing(self):
        return False

    def pause_reading(self):
        """Do nothing."""

    resume_reading = close = pause_reading


_HELLO = (
    b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
    b"User-Agent: otel-flow-bench/1\r\nAccept: */*\r\n\r\n"
)


async def _asked(config, requests):
    """Have uvicorn's protocol answer *requests*, without a socket."""
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import ServerState

    loop, transport = asyncio.get_running_loop(), _Transport()
    protocol = H11Protocol(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    protocol.connection_made(transport)
    for _ in range(requests):
        protocol.data_received(_HELLO)
        await transport.answered.wait()
        transport.answered.clear()


def _served(name):
    """``/hello`` of FastAPI behind uvicorn and h11, but for the socket."""
    import uvicorn

    from benchmarks import service

    side = SIDES[name]()
    side.serve()
    app = service.build(None)
    side.instrument("fastapi", app)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    config.load()
    runner = asyncio.Runner()
    return _recorded(name, side, lambda: runner.run(_asked(config, REQUESTS)))


def _recorded(name, side, call):
    """Return *call*, of a side that has recorded it inside of a sampled span, as in a request."""
    if name != "bare":
        attach(set_span_in_context(side.tracer_provider.get_tracer("bench").start_span("request")))
        call()
        if not side.spans.take(ITEMS):
            raise RuntimeError(f"{name} has recorded nothing")
    return call


def _statement(name):
    import sqlalchemy

    from sqlalchemy.pool import StaticPool

    side = SIDES[name]()
    side.serve()
    engine = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool)
    columns = [
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.String),
    ]
    items = sqlalchemy.Table("items", sqlalchemy.MetaData(), *columns)
    items.create(engine)
    side.instrument("sqlalchemy", engine)
    connection = engine.connect()
    statement = sqlalchemy.select(items).where(items.c.id == sqlalchemy.bindparam("id"))
    return _recorded(name, side, lambda: connection.execute(statement, {"id": 7}).all())


def _command(name):
    import redis

    from benchmarks.canned import Canned

    side = SIDES[name]()
    side.serve()
    client = redis.Redis(connection_pool=redis.ConnectionPool(Canned))
    side.instrument("redis", client)
    return _recorded(name, side, lambda: client.get("items:7"))


class _Ready(BaseException):
    """A worker has begun to wait for messages."""


def _celery(name):
    """Return a task, and the function by which a worker without threads runs the next message."""
    import celery

    from celery.app.trace import setup_worker_optimizations

    side = SIDES[name]()
    side.serve()
    app = celery.Celery("bench", broker="memory://localhost")
    app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)

    @app.task(name="bench.work")
    def work(number):
        return number

    side.instrument("celery", app)
    logging.disable(logging.INFO)
    setup_worker_optimizations(app)
    worker = app.WorkController(pool_cls="solo", without_gossip=True, without_mingle=True)
    found = []

    def loop(consumer, connection, messages, *_):
        messages.on_message = consumer.create_task_handler()
        messages.consume()
        found.append(connection)
        raise _Ready

    worker.consumer.loop = loop
    with contextlib.suppress(_Ready):
        worker.start()
    return side, work, found[0].drain_events


def _published(name):
    side, work, _ = _celery(name)
    return _recorded(name, side, lambda: work.delay(7))


def _run(name):
    side, work, drain = _celery(name)

    def call():
        work.delay(7)
        drain()

    return _recorded(name, side, call)


WITH_BARE = ("bare", "upstream", "ours")

OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("span, 8 attributes", _span),
        Operation("span that is not sampled", lambda side: _span(side, DEFAULT_OFF)),
        Operation("span as the current one", _current_span),
        Operation("span, from its start until encoded", _whole_spans, ITEMS),
        Operation("counter, 3 attributes", lambda side: _counter(side, bound=True)),
        Operation("counter, public call", lambda side: _counter(side, bound=False)),
        Operation("histogram, 3 attributes", lambda side: _histogram(side, bound=True)),
        Operation("histogram, public call", lambda side: _histogram(side, bound=False)),
        Operation("histogram with exemplar", _exemplar),
        Operation("encoding of a span", _spans_encoded, ITEMS),
        Operation("encoding of a number point", _points_encoded, ITEMS),
        Operation("encoding of a log record", _records_encoded, ITEMS),
        Operation("log event", _log_event, alone=True),
        Operation("request to /hello", _request, REQUESTS, alone=True, sides=WITH_BARE),
        Operation("the same behind uvicorn", _served, REQUESTS, alone=True, sides=WITH_BARE),
        Operation("request to /items, encoded", _items, REQUESTS, alone=True, sides=WITH_BARE),
        Operation("SQL statement", _statement, alone=True, sides=WITH_BARE),
        Operation("Redis command", _command, alone=True, sides=WITH_BARE),
        Operation("Celery task published", _published, alone=True, sides=WITH_BARE),
        Operation("Celery task published and run", _run, alone=True, sides=WITH_BARE),
    )
}
"""By name, in the order of the tables."""


_NEEDED = (
    "opentelemetry.instrumentation.celery",
    "opentelemetry.instrumentation.fastapi",
    "opentelemetry.instrumentation.logging.handler",
    "opentelemetry.instrumentation.redis",
    "opentelemetry.instrumentation.sqlalchemy",
    "opentelemetry.instrumentation.structlog",
    "sqlalchemy.dialects.sqlite",
    "benchmarks.breakdown",
    "benchmarks.canned",
    "benchmarks.service",
    "uvicorn.protocols.http.h11_impl",
    "otel_flow.instrumentation.celery",
    "otel_flow.instrumentation.fastapi",
    "otel_flow.instrumentation.redis",
    "otel_flow.instrumentation.sqlalchemy",
)


def preload():
    """Import what the operations on libraries need, so that children of this process do not."""
    for name in _NEEDED:
        importlib.import_module(name)
