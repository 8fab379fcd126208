"""What a program that calls ``configure`` delivers, seen by a receiver and on its stdout."""

import json
import os
import subprocess
import sys
import textwrap

import pytest


PROGRAM = """
import logging, structlog
early = structlog.get_logger("early")
bound = structlog.get_logger("bound").bind(order_id=17)
import otel_flow
from opentelemetry import metrics, trace
telemetry = otel_flow.configure(service_name="shop", environment="test", log_format="json")
with trace.get_tracer("t").start_as_current_span("work"):
    metrics.get_meter("m").create_counter("work.done").add(1)
    early.info("early.event", price=1.5, tags=["a"])
    bound.warning("bound.event")
    logging.getLogger("std").error("std %s", "event")
"""


def run(code, endpoint, command=(sys.executable, "-c"), **environ):
    """Run *code* to its end with a clean environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [*command, textwrap.dedent(code)],
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def record_of(receiver, body):
    """The one record of *body*: a request groups its records by logger, not by time."""
    (found,) = [record for record in receiver.records() if record.body.string_value == body]
    return found


def attributes(record):
    return {pair.key: pair.value for pair in record.attributes}


def test_three_signals_arrive_under_one_resource(receiver):
    """A program that just ends has delivered its span, metric and records, all with one resource."""
    done = run(PROGRAM, receiver.endpoint)

    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans()] == ["work"]
    own = {name for name in receiver.metric_names() if not name.startswith("otel")}
    assert own == {"work.done"}
    assert {r["service.name"] for r in receiver.resources()} == {"shop"}
    assert {r["deployment.environment.name"] for r in receiver.resources()} == {"test"}
    assert len({r["service.instance.id"] for r in receiver.resources()}) == 1


def test_every_event_is_one_line_and_one_record_with_the_same_ids(receiver):
    """Events of structlog and logging, of loggers made early or late, arrive once on each side."""
    done = run(PROGRAM, receiver.endpoint)

    (span,) = receiver.spans()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    expected = ["early.event", "bound.event", "std event"]
    assert [line["event"] for line in lines] == expected
    assert sorted(r.body.string_value for r in receiver.records()) == sorted(expected)
    assert {line["trace_id"] for line in lines} == {span.trace_id.hex()}
    assert {line["span_id"] for line in lines} == {span.span_id.hex()}
    assert {(r.trace_id, r.span_id) for r in receiver.records()} == {(span.trace_id, span.span_id)}
    # structlog's own logger, which `bound` was made with before us, forgets its name.
    assert [line.get("logger") for line in lines] == ["early", None, "std"]
    assert {line["service"] for line in lines} == {"shop"}


def test_values_keep_their_types(receiver):
    """Numbers and lists of an event are numbers and lists in its record."""
    run(PROGRAM, receiver.endpoint)

    first = record_of(receiver, "early.event")
    second = record_of(receiver, "bound.event")
    assert attributes(first)["price"].double_value == 1.5
    assert attributes(first)["tags"].array_value.values[0].string_value == "a"
    assert attributes(second)["order_id"].int_value == 17


def test_timestamps_strictly_increase(receiver):
    """Two records of a process never carry one timestamp, since Loki collapses equal entries."""
    code = PROGRAM + "\nfor _ in range(50): early.info('same')\n"
    run(code, receiver.endpoint)

    times = [record.time_unix_nano for record in receiver.records()]
    assert len(times) == 53
    assert len(set(times)) == 53


def test_an_exception_has_its_conventional_attributes(receiver):
    """``log.exception`` gives type, message and stack trace by the semantic conventions."""
    code = PROGRAM + "\ntry: 1/0\nexcept ZeroDivisionError: early.exception('broke')\n"
    done = run(code, receiver.endpoint)

    found = attributes(record_of(receiver, "broke"))
    assert found["exception.type"].string_value == "ZeroDivisionError"
    assert found["exception.message"].string_value == "division by zero"
    assert found["exception.stacktrace"].string_value.startswith("Traceback")
    assert "ZeroDivisionError" in json.loads(done.stdout.splitlines()[-1])["exception.stacktrace"]


def test_a_value_that_raises_reaches_neither_the_caller_nor_stops_the_event(receiver):
    """An object whose ``__str__`` raises, and a list that holds itself, are shown as such."""
    code = PROGRAM + textwrap.dedent("""
    class Bad:
        def __str__(self): raise RuntimeError
        __repr__ = __str__
    loop = []; loop.append(loop)
    early.info("odd", bad=Bad(), loop=loop, big=2**70, text="\\ud800")
    """)
    done = run(code, receiver.endpoint)

    assert done.returncode == 0
    found = attributes(record_of(receiver, "odd"))
    assert found["bad"].string_value == "<unrepresentable Bad: RuntimeError>"
    assert found["loop"].array_value.values[0].string_value == "<cycle>"
    assert found["big"].string_value == str(2**70)
    assert found["text"].string_value == "\\ud800"


@pytest.mark.parametrize(
    "configured",
    [
        (
            "structlog.configure(processors=[structlog.processors.add_log_level, "
            "structlog.processors.JSONRenderer()])"
        ),
        (
            "structlog.configure(processors=[structlog.stdlib.add_log_level, "
            "structlog.processors.format_exc_info, structlog.processors.JSONRenderer()], "
            "logger_factory=structlog.stdlib.LoggerFactory(), "
            "wrapper_class=structlog.stdlib.BoundLogger)"
        ),
        (
            "structlog.configure(processors=[structlog.stdlib.add_log_level, "
            "structlog.stdlib.render_to_log_kwargs], "
            "logger_factory=structlog.stdlib.LoggerFactory(), "
            "wrapper_class=structlog.stdlib.BoundLogger)"
        ),
    ],
    ids=["print", "stdlib-json", "stdlib-kwargs"],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_app_that_configures_structlog_itself_gets_one_record(receiver, configured, when):
    """The app's own chain stays, and its events are exported once, configured before or after us."""
    ours = "import otel_flow; otel_flow.configure(service_name='shop', log_format='json')"
    steps = [configured, ours] if when == "before" else [ours, configured]
    code = "\n".join(["import structlog", *steps, "structlog.get_logger().info('mine', n=1)"])
    done = run(code, receiver.endpoint)

    assert done.stderr == ""
    assert [record.body.string_value for record in receiver.records()] == ["mine"]
    assert done.stdout.count("mine") == 1


def test_configure_again_with_equal_settings_returns_the_running_handle(receiver):
    """Repeating ``configure`` is harmless; other settings raise and name what differs."""
    done = run(
        """
        import otel_flow
        from otel_flow.errors import AlreadyConfiguredError
        one = otel_flow.configure(service_name="a")
        assert otel_flow.configure(service_name="a") is one
        try:
            otel_flow.configure(service_name="b")
        except AlreadyConfiguredError as error:
            print(error.differing)
        """,
        receiver.endpoint,
    )

    assert done.stdout.strip() == "('service_name',)"


def test_two_problems_come_in_one_error():
    """A wrong configuration raises once and names everything that is wrong."""
    done = run(
        "import otel_flow; otel_flow.configure()",
        "collector:4318",
        OTEL_TRACES_SAMPLER="sometimes",
    )

    assert done.returncode == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr
    assert "OTEL_TRACES_SAMPLER" in done.stderr


def test_disabled_records_nothing_and_the_app_logs_on(receiver):
    """With ``OTEL_SDK_DISABLED=true`` nothing is sent and structlog still writes."""
    done = run(PROGRAM, receiver.endpoint, OTEL_SDK_DISABLED="true")

    assert done.returncode == 0
    assert "early.event" in done.stdout
    assert receiver.requests == []


def test_importing_loads_no_framework():
    """``import otel_flow`` loads neither a framework nor grpc."""
    code = (
        "import otel_flow, sys; print([m for m in sys.modules if m.partition('.')[0] in {names}])"
    )
    names = {"fastapi", "starlette", "sqlalchemy", "redis", "celery", "grpc"}
    done = run(code.format(names=names), "http://127.0.0.1:1")

    assert done.stdout.strip() == "[]"


AGAIN = """
import logging, structlog, otel_flow
from opentelemetry import metrics, trace
def work(name):
    with trace.get_tracer("t").start_as_current_span(name):
        metrics.get_meter("m").create_counter(name).add(1)
        structlog.get_logger("app").info(f"{name} logged")
with otel_flow.configure(service_name="first", log_format="json"):
    work("one")
work("between")
with otel_flow.configure(service_name="second", log_format="json"):
    work("two")
"""


def test_start_again_after_shutdown(receiver):
    """After a shutdown telemetry starts anew with other settings; between the two nothing is sent."""
    done = run(AGAIN, receiver.endpoint)

    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans()] == ["one", "two"]
    assert {"one", "two"} == receiver.metric_names() & {"one", "two", "between"}
    assert [r.body.string_value for r in receiver.records()] == ["one logged", "two logged"]
    assert {r["service.name"] for r in receiver.resources()} == {"first", "second"}


def test_calls_after_shutdown_do_nothing(receiver):
    """Flush, shutdown and instrument of an ended handle return at once and raise nothing."""
    done = run(
        """
        import otel_flow
        handle = otel_flow.configure(service_name="shop")
        assert handle.shutdown()
        assert handle.shutdown() and handle.force_flush()
        handle.instrument()()
        print("ended")
        """,
        receiver.endpoint,
    )

    assert (done.stdout, done.stderr) == ("ended\n", "")


def test_a_handle_says_what_it_is(receiver):
    """Its representation names the service and whether anything is recorded."""
    code = """
        import otel_flow
        handle = otel_flow.configure(service_name="shop")
        print(handle)
        handle.shutdown()
        print(handle)
        """
    done = run(code, receiver.endpoint)
    disabled = run(code, receiver.endpoint, OTEL_SDK_DISABLED="true")

    assert done.stdout == "<Telemetry of shop: running>\n<Telemetry of shop: ended>\n"
    assert disabled.stdout.splitlines()[0] == "<Telemetry of shop: disabled>"


COMPONENTS = """
import otel_flow
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from otel_flow.errors import AlreadyConfiguredError
exporter, processed, reader = InMemorySpanExporter(), InMemorySpanExporter(), InMemoryMetricReader()
processor = SimpleSpanProcessor(processed)
view = View(instrument_name="noise", aggregation=DropAggregation())
keywords = dict(service_name="shop", resource=Resource({"team": "checkout"}), exporters=[exporter],
                span_processors=[processor], metric_readers=[reader], views=[view])
handle = otel_flow.configure(**keywords)
assert otel_flow.configure(**keywords) is handle
try:
    otel_flow.configure(**keywords | {"sampler": ALWAYS_OFF, "views": []})
except AlreadyConfiguredError as error:
    print(error.differing)
try:
    otel_flow.configure(**keywords | {"exporters": ["otlp"]})
except TypeError as error:
    print(error)
with trace.get_tracer("t").start_as_current_span("work"):
    metrics.get_meter("m").create_counter("work.done").add(1)
    metrics.get_meter("m").create_counter("noise").add(1)
handle.force_flush()
print([span.name for one in (exporter, processed) for span in one.get_finished_spans()])
names = [m.name for s in reader.get_metrics_data().resource_metrics[0].scope_metrics
         for m in s.metrics if s.scope.name == "m"]
print(names)
"""


def test_components_of_the_sdk(receiver):
    """Processors, exporters, readers, views and a resource of the program's own take part."""
    done = run(COMPONENTS, receiver.endpoint)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "('sampler', 'views')",
        "'otlp' is no SpanExporter, MetricExporter or LogRecordExporter",
        "['work', 'work']",
        "['work.done']",
    ]
    assert [span.name for span in receiver.spans()] == ["work"]
    assert "noise" not in receiver.metric_names()
    assert {r["team"] for r in receiver.resources()} == {"checkout"}


def test_another_provider_is_installed(receiver):
    """A provider that somebody else has set stays, and one line for each says what it means."""
    done = run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        foreign = TracerProvider(shutdown_on_exit=False)
        trace.set_tracer_provider(foreign)
        import otel_flow
        handle = otel_flow.configure(service_name="shop", log_format="json")
        assert trace.get_tracer_provider() is foreign
        with handle.tracer_provider.get_tracer("t").start_as_current_span("ours"): pass
        """,
        receiver.endpoint,
    )

    assert (done.returncode, done.stderr) == (0, "")
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["event"].startswith("another tracer provider is installed, TracerProvider")
    assert [span.name for span in receiver.spans()] == ["ours"]
