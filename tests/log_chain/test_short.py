"""The short way of plain events beside the way of all others: the same lines and records."""

import pytest

from tests.log_chain.programs import OURS, run, value_of


EVENTS = 1000

COUNTED = """
import sys
from otel_flow.log_chain.short import ShortWay
taken = []
original = ShortWay.takes
def takes(*arguments):
    was = original(*arguments[:-1], sys._getframe(2))
    taken.append(was)
    return was
ShortWay.takes = takes
"""

PROGRAM = """
import decimal, random, structlog
from structlog import get_logger
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from otel_flow.correlation import bind_request_id, unbind_request_id
chance = random.Random(17)
PLAIN = {
    "keys": ["item", "total", "ärger", "a b", "", 'quo"te', "fields.x", "tokens"],
    "values": ["text", "", "häuser", 'quo"te\\n', 0, 7, -7, 2**39, True, False, None, 0.5, -0.0, 1e300],
    "said": ["placed", "placed", "größe", "", "x" * 300, "%s of %s", 'quo"te'],
    "logs": [get_logger("shop"), get_logger(), get_logger("shop", at="start"),
        get_logger("shop").bind(tenant="acme", item=1)],
}
ALL = {
    "keys": [*PLAIN["keys"], "pass_word", "password", "token", "service", "version", "logger",
        "level", "timestamp", "trace_id", "exc_info", "stack_info", "request_id", "code.file.path",
        "event.name", "positional_args", "x\\ud800"],
    "values": [*PLAIN["values"], "\\ud800", "x" * 300, "Bearer abcdefghijklmnop123",
        "4111 1111 1111 1111", "a@example.com password=hunter22", 2**40, 2**62, 2**70, -2**70,
        4111111111111111, float("nan"), float("-inf"), decimal.Decimal("1.5"), [1, "a"],
        {"password": "x"}, b"raw", ValueError("no"), type("T", (str,), {})("t")],
    "said": [*PLAIN["said"], "password=hunter22", "\\ud800", None, 7],
    "logs": [*PLAIN["logs"], get_logger("a.b").bind(password="x")],
}
LEVELS = ["debug", "info", "msg", "warning", "warn", "error", "critical", "fatal"]

def values(of, most):
    return {chance.choice(of["keys"]): chance.choice(of["values"]) for _ in range(chance.randrange(most))}

def write(of, number):
    said = chance.choice([*of["said"], f"placed {number % 5}"])
    log = getattr(chance.choice(of["logs"]), chance.choice(LEVELS))
    arguments = (1, 2) if chance.random() < 0.1 else ()
    log(said, *arguments, **values(of, 6)) if chance.random() < 0.5 else log(said, **values(of, 3))

def within(of, number):
    token = None
    if chance.random() < 0.2:
        token = bind_request_id("r-1" if of is PLAIN else "4111111111111111")
    with structlog.contextvars.bound_contextvars(**{k: v for k, v in values(of, 2).items() if k}):
        write(of, number)
    if token is not None:
        unbind_request_id(token)

def start(number):
    of = PLAIN if chance.random() < 0.7 else ALL
    if chance.random() < 0.3:
        return within(of, number)
    context = SpanContext(number // 3 + 1, number // 2 + 1, False, TraceFlags(number % 2))
    with trace.use_span(NonRecordingSpan(context)):
        within(of, number)

for number in range(EVENTS):
    start(number)
telemetry.force_flush(30)
print(sum(taken), file=sys.stderr)
"""


@pytest.mark.parametrize("encoder", ["orjson", "json"])
def test_both_ways_tell_the_same(receiver, encoder, tmp_path):
    """A thousand random events have the same lines and records, whichever way they go."""
    without = "import sys; sys.modules['orjson'] = None" if encoder == "json" else ""
    parts = without, COUNTED, OURS, f"EVENTS = {EVENTS}", PROGRAM
    limits = {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_LOG_LEVEL": "info"}

    short = run(receiver, *parts, **limits)
    of_short = _told(receiver)
    # Who keeps a file, too, has all events go the long way.
    whole = run(receiver, *parts, **limits, OTEL_FLOW_LOG_FILE=str(tmp_path / "log"))

    taken, none = int(short.stderr.splitlines()[-1]), int(whole.stderr.splitlines()[-1])
    assert taken > EVENTS // 3
    assert none == 0
    assert _lines(short) == _lines(whole)
    assert of_short == _told(receiver)


def _lines(done):
    assert done.code == 0, done.stderr
    lines = [line.partition(",") for line in done.stdout.splitlines()]
    assert len(lines) > EVENTS // 2
    assert all(begin.startswith('{"timestamp":"2') and len(begin) == 42 for begin, _, _ in lines)
    return [rest for _, _, rest in lines]


def _told(receiver):
    """Return what arrived but for the times, which are ever different, in the order of these."""
    records = sorted(receiver.records(), key=lambda record: record.time_unix_nano)
    receiver.requests.clear()
    assert len({record.time_unix_nano for record in records}) == len(records)
    return [
        (
            record.severity_number,
            record.severity_text,
            value_of(record.body),
            [(pair.key, repr(value_of(pair.value))) for pair in record.attributes],
            record.dropped_attributes_count,
            record.trace_id,
            record.span_id,
            record.flags,
            record.event_name,
            record.observed_time_unix_nano == record.time_unix_nano,
        )
        for record in records
    ]


CONFIGURED = """
import json, structlog, unittest.mock
log = structlog.get_logger("shop")
with_values = structlog.get_logger("shop", at="start")
log.info("before"), with_values.info("before with values")
def show(logger, name, event): return "own: " + json.dumps(event)
structlog.configure(processors=[show], logger_factory=structlog.PrintLoggerFactory())
log.info("configured", item=1), with_values.info("configured with values")
structlog.reset_defaults()
log.info("reset"), structlog.get_logger(["odd"], 1).info("odd"), structlog.get_logger(1).info("one")
structlog.get_logger(True).info("true"), structlog.get_logger("1").info("text")
other = structlog.wrap_logger(None, processors=[show])
other.info("wrapped", item=2)
with structlog.testing.capture_logs() as captured:
    log.info("captured", item=3)
print(captured)
with unittest.mock.patch.object(log, "info") as mocked:
    log.info("mocked")
mocked.assert_called_once_with("mocked")
print(hasattr(log, "info"), hasattr(type(log), "info"), hasattr(log, "nothing"))
telemetry.force_flush(30)
"""


def test_a_logger_that_was_used_follows_the_configuration(receiver):
    """Loggers are kept no longer than structlog's configuration: what is set later holds for them."""
    done = run(receiver, OURS, CONFIGURED)

    assert (done.stderr, done.code) == ("", 0)
    assert [(line["event"], line.get("logger"), line.get("at")) for line in done.lines()] == [
        ("before", "shop", None),
        ("before with values", "shop", "start"),
        ("reset", "shop", None),
        ("odd", "['odd']", None),
        ("one", "1", None),
        ("true", "True", None),
        ("text", "1", None),
    ]
    shown = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert shown == [
        'own: {"item": 1, "event": "configured"}',
        'own: {"at": "start", "event": "configured with values"}',
        'own: {"item": 2, "event": "wrapped"}',
        "[{'item': 3, 'event': 'captured', 'log_level': 'info'}]",
        "True False False",
    ]
