"""What becomes of an event: its values, its level, the places it goes to."""

import json
import re

import pytest

from tests.log_chain.programs import OURS, run


STRUCTLOG = "import structlog; log = structlog.get_logger('shop.orders')"

VALUES = """
import dataclasses, datetime, decimal, enum, uuid, pydantic
class Colour(enum.Enum):
    RED = "red"
@dataclasses.dataclass
class Order:
    number: int
    pin: str = dataclasses.field(repr=False, default="not shown")
class Model(pydantic.BaseModel):
    name: str
    when: datetime.date
class Bad:
    def __str__(self): raise RuntimeError
    __repr__ = __str__
loop = {}; loop["self"] = loop
odd = Model(name="a", when=datetime.date(2026, 1, 2)); odd.__dict__["name"] = 7
log.info("values",
    when=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
    id=uuid.UUID(int=7), price=decimal.Decimal("1.50"), colour=Colour.RED, order=Order(17),
    model=Model(name="a", when=datetime.date(2026, 1, 2)), odd=odd, error=ValueError("no"),
    bad=Bad(), loop=loop, big=2**70, nan=float("nan"), text="\\ud800", names={"b", "a"},
    flag=True, number=3, real=0.5, nothing=None, raw=b"bytes", deep={"list": [1, {"a": 2}]})
"""

SHOWN = {
    "when": "2026-01-02T03:04:05+00:00",
    "id": "00000000-0000-0000-0000-000000000007",
    "price": "1.50",
    "colour": "red",
    "order": {"number": 17},
    "model": {"name": "a", "when": "2026-01-02"},
    "odd": {"name": 7, "when": "2026-01-02"},
    "error": "ValueError: no",
    "bad": "<unrepresentable Bad: RuntimeError>",
    "loop": {"self": "<cycle>"},
    "big": str(2**70),
    "nan": "nan",
    "text": "\\ud800",
    "names": ["a", "b"],
    "flag": True,
    "number": 3,
    "real": 0.5,
    "nothing": None,
    "raw": "bytes",
    "deep": {"list": [1, {"a": 2}]},
}

FIELDS = {"timestamp", "level", "event", "logger", "service", "trace_id", "span_id"}


@pytest.mark.parametrize("encoder", ["orjson", "json"])
def test_values_are_typed_and_the_same_on_line_and_record(receiver, encoder):
    """Every value has its type, on the line as in the record, without a warning or an error."""
    without = "import sys; sys.modules['orjson'] = None" if encoder == "json" else ""
    done = run(receiver, without, OURS, STRUCTLOG, VALUES)

    assert (done.stderr, done.code) == ("", 0)
    line, attributes = done.line("values"), done.attributes("values")
    assert {key: line[key] for key in SHOWN} == SHOWN
    assert {key: attributes[key] for key in SHOWN} == SHOWN


EXCEPTION = """
from opentelemetry import trace
with trace.get_tracer("t").start_as_current_span("work"):
    try:
        raise LookupError("gone")
    except LookupError:
        log.exception("broke", order_id=17, stack_info=True)
"""


def test_line_and_record_have_the_same_keys(receiver):
    """What is a key on stdout is an attribute in OTLP, exception and code among them."""
    done = run(receiver, OURS, STRUCTLOG, EXCEPTION)

    line, attributes = done.line("broke"), done.attributes("broke")
    assert line.keys() - FIELDS == attributes.keys()
    assert {key: line[key] for key in attributes} == attributes
    assert (line["exception.type"], line["exception.message"]) == ("LookupError", "gone")
    assert line["exception.stacktrace"].startswith("Traceback")
    assert line["code.function.name"] == "__main__.<module>"
    assert "log.exception" not in line["code.stacktrace"].splitlines()[0]


def test_keys_of_the_caller_that_are_fields_are_kept(receiver):
    """A value that is called like a field of ours is neither lost nor takes its place."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        import logging
        log.info("mine", timestamp=5, trace_id="x", level="high", version=2)
        own = {"timestamp": 5, "trace_id": "x", "level": "high", "version": 2}
        extra = {**own, "event": "order", "logger": "book"}
        logging.getLogger("shop.orders").info("theirs", extra=extra)
        """,
    )

    own = {"fields.timestamp": 5, "fields.trace_id": "x", "fields.level": "high", "version": 2}
    extra = {**own, "fields.event": "order", "fields.logger": "book"}
    for event, kept in (("mine", own), ("theirs", extra)):
        line, attributes = done.line(event), done.attributes(event)
        assert line["timestamp"].endswith("Z")
        assert (line["level"], line["logger"]) == ("info", "shop.orders")
        assert {key: line.get(key) for key in kept} == kept
        assert {key: attributes.get(key) for key in kept} == kept


def test_what_a_caller_gets_wrong_is_an_event_all_the_same(receiver):
    """Arguments that do not fit, levels in between and an odd exc_info raise nothing, and lose no event."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        import logging
        class Shy:
            def __str__(self):
                raise ValueError("not shown")
            __repr__ = __bool__ = __str__
        log.info("two %s %s", 1)
        log.info("shy %s", Shy())
        log.info("named %(a)s", {"a": 1})
        log.log(25, "in between")
        log.error("no exception", exc_info=(1, 2, 3))
        log.error("neither", exc_info=Shy())
        logging.getLogger("shop").error("nor here", extra={"exc": Shy()})
        """,
    )

    said = ["two %s %s (1,)", "shy %s <unrepresentable tuple: ValueError>", "named 1", "in between"]
    said += ["no exception", "neither", "nor here"]
    assert [line["event"] for line in done.lines()] == said
    assert done.bodies() == sorted(said)
    assert done.line("in between")["level"] == "info"
    assert done.attributes("neither")["otel_flow.log.failure"] == "ValueError"
    assert (done.code, done.stderr) == (0, "")


def test_secrets_are_masked_once_and_on_both(receiver):
    """A secret in text, value or exception is masked on the line and in the record alike."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        try:
            raise ValueError("password=hunter2")
        except ValueError:
            log.exception("login password=hunter2", password="hunter2", nested={"token": "hunter2"})
        """,
    )

    (line,), (record,) = done.lines(), receiver.records()
    assert "hunter2" not in json.dumps(line)
    assert b"hunter2" not in record.SerializeToString()
    assert record.body.string_value == line["event"]
    assert done.attributes(line["event"])["password"] == line["password"] != ""


def test_the_line_of_code_of_a_coroutine(receiver):
    """``await log.ainfo()`` names the coroutine, not the thread that logs for it."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        import asyncio
        async def handler():
            await log.ainfo("awaited", n=1)
            await log.adebug("not awaited")
        asyncio.run(handler())
        """,
    )

    assert done.attributes("awaited")["code.function.name"] == "__main__.handler"
    assert done.bodies() == ["awaited"]


def test_colours_in_a_message_stay_out_of_line_and_record(receiver):
    """A stdlib message with a terminal's colours, as werkzeug's, arrives as plain text."""
    done = run(
        receiver,
        OURS,
        r"""
        import logging
        logging.getLogger("werkzeug").warning("\x1b[31m\x1b[1mGET %s\x1b[0m 500", "/")
        """,
    )

    assert [line["event"] for line in done.lines()] == ["GET / 500"]
    assert done.bodies() == ["GET / 500"]


LEVELS = """
import logging
quiet, loud = structlog.get_logger("shop.quiet.inner"), structlog.get_logger("shop.loud")
for each in (quiet, loud, log):
    each.debug("debug", at=1); each.warning("warning", at=1)
logging.getLogger("shop.quiet").warning("standard", extra={"at": 1})
logging.getLogger("urllib3.connectionpool").info("narrated", extra={"at": 1})
telemetry.set_log_level("DEBUG", "shop.quiet")
telemetry.set_log_level("error")
for each in (quiet, loud, log):
    each.debug("debug", at=2); each.warning("warning", at=2)
logging.getLogger("shop.quiet").debug("standard", extra={"at": 2})
logging.getLogger("other").warning("standard", extra={"at": 2})
try:
    telemetry.set_log_level("loud")
except ValueError as error:
    log.error("refused", said=str(error))
"""


def test_levels_are_those_of_the_logger_and_change_while_the_program_runs(receiver):
    """A logger has the level of its setting, or of the nearest above; changes hold at once."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        LEVELS,
        OTEL_FLOW_LOG_LEVELS="shop.quiet=ERROR,shop.loud=DEBUG",
    )

    seen = [(line["event"], line["logger"].split(".")[-1], line.get("at")) for line in done.lines()]
    assert seen == [
        ("debug", "loud", 1),
        ("warning", "loud", 1),
        ("warning", "orders", 1),
        ("debug", "inner", 2),
        ("warning", "inner", 2),
        ("debug", "loud", 2),
        ("warning", "loud", 2),
        ("standard", "quiet", 2),
        ("refused", "orders", None),
    ]
    assert len(done.receiver.records()) == len(seen)


def test_threads_never_share_a_timestamp(receiver):
    """Events of many threads have times of their own, whole lines and one record each."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        import threading
        def work(thread):
            for number in range(100):
                log.info("same", thread=thread, number=number)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        """,
    )

    lines = done.lines()
    assert len(lines) == len(receiver.records()) == 800
    assert len({line["timestamp"] for line in lines}) == 800
    assert len({record.time_unix_nano for record in receiver.records()}) == 800


def test_uncaught_exceptions_and_warnings_are_one_record_each(receiver):
    """What ends threads, tasks or the program, and what is warned of, is one record and one line."""
    done = run(
        receiver,
        OURS,
        """
        import asyncio, threading, warnings
        def fail(): raise LookupError("in a thread")
        thread = threading.Thread(target=fail, name="worker"); thread.start(); thread.join()
        async def main():
            async def task(): raise LookupError("in a task")
            running = asyncio.create_task(task()); await asyncio.sleep(0); del running
        asyncio.run(main())
        warnings.warn("old way", UserWarning)
        raise KeyError("at the end")
        """,
    )

    assert done.code == 1
    for told in ("in a thread", "old way", "at the end"):
        assert told in done.stderr
    assert len(receiver.records()) == len(done.lines()) == 4
    said = sorted(line.get("exception.message", "") for line in done.lines())
    assert said == ["", "'at the end'", "in a task", "in a thread"]
    assert done.attributes("old way")["otel_flow.warning.category"] == "UserWarning"


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_what_ends_a_process_of_multiprocessing_is_one_record(receiver, tmp_path, start):
    """An exception that ends a child is told once, by whichever way the child was started."""
    (tmp_path / "child.py").write_text(
        f"{OURS}\ndef fail():\n    raise LookupError('in a child')\n"
    )
    done = run(
        receiver,
        f"""
        import multiprocessing, warnings
        # Python 3.12 and later warn of a fork beside threads.
        warnings.simplefilter("ignore")
        import child
        process = multiprocessing.get_context({start!r}).Process(target=child.fail, name="worker")
        process.start(); process.join(); assert process.exitcode == 1
        """,
        cwd=tmp_path,
    )

    (line,), (_,) = done.lines(), receiver.records()
    assert line["exception.message"] == "in a child"
    assert line["otel_flow.process.name"] == "worker"
    assert done.stderr.count("LookupError: in a child") == 1
    assert done.code == 0


def test_a_file_beside_stdout_is_rotated_by_several_processes(receiver, tmp_path):
    """Every line of every process is in one of the files, once and whole; no file is much too long."""
    done = run(
        receiver,
        OURS,
        STRUCTLOG,
        """
        import logging, os, warnings
        # Python 3.12 and later warn of a fork beside threads.
        warnings.simplefilter("ignore")
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0: children = []; break
            children.append(child)
        for number in range(150):
            log.info("kept", who=os.getpid(), number=number)
        logging.getLogger("std").warning("standard", extra={"who": os.getpid()})
        for child in children: os.waitpid(child, 0)
        """,
        cwd=tmp_path,
        OTEL_FLOW_LOG_FILE="app.log",
        OTEL_FLOW_LOG_FILE_BYTES="20000",
        OTEL_FLOW_LOG_FILE_BACKUPS="1000",
    )

    assert done.stderr == ""
    files = [path for path in tmp_path.glob("app.log*") if path.suffix != ".lock"]
    kept = [line for path in files for line in path.read_text().splitlines()]
    assert len(files) > 5
    assert max(path.stat().st_size for path in files) < 20000 + 4 * 1000
    assert sorted(kept) == sorted(done.stdout.splitlines())
    assert len(kept) == 4 * 151


def test_a_file_gets_json_where_a_person_gets_columns(receiver, tmp_path):
    """The console shows columns and the URL of the trace; the file has the event's JSON."""
    done = run(
        receiver,
        "import otel_flow; otel_flow.configure(service_name='shop', log_format='console')",
        STRUCTLOG,
        EXCEPTION,
        cwd=tmp_path,
        OTEL_FLOW_LOG_FILE="app.log",
        OTEL_FLOW_TRACE_URL_TEMPLATE="http://jaeger/trace/{trace_id}",
    )

    kept = json.loads((tmp_path / "app.log").read_text())
    assert kept["exception.type"] == "LookupError"
    assert f"trace=http://jaeger/trace/{kept['trace_id']}" in done.stdout
    assert "LookupError: gone" in done.stdout
    assert "exception.type" not in done.stdout
    assert done.stderr == ""


REQUESTS = """
import fastapi, time
from fastapi.testclient import TestClient
app = fastapi.FastAPI()
@app.get("/orders/{number}")
def order(number: int):
    time.sleep(0.02)
@app.websocket("/ws")
async def live(socket: fastapi.WebSocket):
    await socket.accept()
    await socket.close()
telemetry.instrument(app)
client = TestClient(app)
client.get("/orders/17")
client.get("/nowhere")
with client.websocket_connect("/ws"):
    pass
"""


def test_a_person_reads_a_request_in_one_text(receiver):
    """The console says method, path, status and time; what was slow is said to be."""
    done = run(
        receiver,
        "import otel_flow; telemetry = otel_flow.configure(log_format='console')",
        REQUESTS,
        OTEL_FLOW_SLOW_REQUEST="10",
    )

    said = re.findall(r"\] (\S.*? \d+\.\d ms) ", done.stdout)
    assert [re.sub(r"[\d.]+ ms", "# ms", text) for text in said] == [
        "GET /orders/17 200 # ms",
        "slow: GET /orders/17 200 # ms",
        "GET /nowhere 404 # ms",
        "WS /ws 101 # ms",
    ]
    assert "http.request.method" not in done.stdout


BAGGAGE = """
from opentelemetry import propagate
import otel_flow.correlation
carrier = {}
with otel_flow.log_context(tenant="acme", plan="x"):
    propagate.inject(carrier)
    log.info("inside")
log.info("outside", carrier=dict(carrier))
from opentelemetry import context
token = context.attach(propagate.extract(carrier))
log.info("elsewhere")
context.detach(token)
"""


def test_a_log_context_travels_as_baggage_by_setting(receiver):
    """What is named travels with requests and is bound where it arrives; the rest stays."""
    done = run(receiver, OURS, STRUCTLOG, BAGGAGE, OTEL_FLOW_LOG_CONTEXT_BAGGAGE="tenant")

    assert (done.line("inside")["tenant"], done.line("inside")["plan"]) == ("acme", "x")
    assert done.line("outside")["carrier"] == {"baggage": "tenant=acme"}
    assert "tenant" not in done.line("outside")
    assert done.attributes("elsewhere")["tenant"] == "acme"
    assert "plan" not in done.attributes("elsewhere")


def test_a_log_context_stays_without_the_setting(receiver):
    """Without the setting nothing of a log context leaves the process as baggage."""
    done = run(receiver, OURS, STRUCTLOG, BAGGAGE)

    assert done.line("outside")["carrier"] == {}


def test_events_past_the_chain_may_stay_unshown(receiver):
    """`Telemetry.log` writes whatever the level is, and a record only where it is not to show."""
    done = run(
        receiver,
        OURS,
        """
        telemetry.log({"event": "seen", "level": "debug", "logger": "a", "n": 1})
        telemetry.log({"event": "unseen", "level": "error", "logger": "a"}, show=False)
        """,
    )

    assert [line["event"] for line in done.lines()] == ["seen"]
    assert done.bodies() == ["seen", "unseen"]
