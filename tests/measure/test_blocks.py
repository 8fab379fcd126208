"""Operations, predictions, events, money, gauges, users and audits."""

import concurrent.futures
import contextvars
import json
import subprocess
import sys
import threading

from decimal import Decimal

import pytest
import structlog

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import otel_flow

from otel_flow import measure, telemetry
from otel_flow.errors import ConfigError, NotConfiguredError
from otel_flow.instrumentation import threads
from otel_flow.process.election import Election
from otel_flow.settings import Settings
from tests.recording import Recording


def test_operation(recording):
    """A timed operation has a span with its attributes and a duration without them."""
    with measure.timed_operation("import", source="csv") as operation:
        operation.set(rows=3)
        assert operation.seconds >= 0

    span = recording.span("import")
    assert (span.attributes["source"], span.attributes["rows"]) == ("csv", 3)
    (point,) = recording.points("otel_flow.operation.duration")
    assert point.attributes == {"otel_flow.operation.name": "import"}


def test_operation_that_fails(recording):
    """A failed block is raised on, with error.type on span and duration."""
    with pytest.raises(OSError, match="gone"), measure.timed_operation("import"):
        raise OSError("gone")

    assert recording.span("import").status.status_code is StatusCode.ERROR
    (point,) = recording.points("otel_flow.operation.duration")
    assert point.attributes["error.type"] == "OSError"
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_prediction(recording):
    """A prediction has duration, confidence and, where something else answered, a fallback."""
    with measure.prediction("ranker", version="3", pipeline="home") as prediction:
        prediction.confidence(0.93)
    with measure.prediction("ranker", version="3") as prediction:
        prediction.fallback("popular", reason=TimeoutError())

    series = {"otel_flow.ml.model.name": "ranker", "otel_flow.ml.model.version": "3"}
    (confidence,) = recording.points("otel_flow.ml.prediction.confidence")
    assert confidence.attributes == {**series, "otel_flow.ml.pipeline": "home"}
    assert confidence.sum == 0.93
    durations = [dict(p.attributes) for p in recording.points("otel_flow.ml.inference.duration")]
    assert {**series, "otel_flow.fallback.used": True} in durations
    (fallback,) = recording.points("otel_flow.fallback.executions")
    assert fallback.attributes == {
        "otel_flow.feature.name": "ranker",
        "otel_flow.fallback.strategy": "popular",
        "otel_flow.fallback.reason": "TimeoutError",
    }
    assert recording.spans()[-1].status.status_code is StatusCode.UNSET


def test_what_cannot_be_recorded_raises_nothing(recording):
    """A value of another type, a name that is none and attributes without a hash cost the measurement only."""
    with measure.prediction("ranker") as prediction:
        prediction.confidence("high")
        prediction.confidence(float("nan"))
        prediction.confidence(0.5)
    measure.count_money("no name", 7, "EUR")
    measure.count_money("app.payments", 7, "EUR", shops=["a"])
    measure.count_money("app.payments", -7, "EUR")
    measure.count_money("app.payments", 7, "EUR")

    (confidence,) = recording.points("otel_flow.ml.prediction.confidence")
    (paid,) = recording.points("app.payments")
    assert (confidence.count, confidence.sum, paid.value) == (1, 0.5, 7)
    said = [record.body for record in recording.records() if "was not recorded" in record.body]
    assert len(said) == 3


def test_loaded_models(recording):
    """Loaded models are counted, and counted off once."""
    release = measure.loaded_model("ranker", version="3")
    measure.loaded_model("ranker", version="4")
    release()
    release()

    counts = {
        p.attributes["otel_flow.ml.model.version"]: p.value
        for p in recording.points("otel_flow.ml.model.count")
    }
    assert counts == {"3": 0, "4": 1}


def test_event(recording, capsys):
    """An event is one line and one record, with its name as the record's event name."""
    otel_flow.event("app.order.placed", order_id=17)
    otel_flow.event("app.payment.failed", severity="error")
    otel_flow.event("app.payment.late", severity="loud")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("app.order.placed", "info"),
        ("app.payment.failed", "error"),
        ("app.payment.late", "info"),
    ]
    placed, failed, _ = recording.records()
    assert placed.event_name == "app.order.placed"
    assert placed.attributes["order_id"] == 17
    assert failed.severity_text == "ERROR"


def test_attributes_called_like_fields(recording, capsys):
    """What an event or an audit says of itself no attribute replaces; it is kept beside."""
    clashing = {"event": "mine", "event.name": "other"}
    otel_flow.event("app.order.placed", **clashing)
    measure.audit("export.data", actor="alice", logger="mine", level="debug", **clashing)

    placed, exported = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (placed["event"], placed["event.name"]) == ("app.order.placed", "app.order.placed")
    assert (exported["event"], exported["logger"]) == ("export.data", "otel_flow.audit")
    assert exported["level"] == "info"
    assert exported["fields.level"] == "debug"
    for line in (placed, exported):
        assert (line["fields.event"], line["fields.event.name"]) == ("mine", "other")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("19.99", "USD", 1999), (500, "JPY", 500), (Decimal("1.234"), "kwd", 1234), ("0", "EUR", 0)],
)
def test_minor_units(amount, currency, minor):
    """An amount is converted by the digits of its currency."""
    assert measure.minor_units(amount, currency) == minor


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "JPY", "BHD", "UYW"]))
def test_minor_units_lose_nothing(minor, currency):
    """Every whole number of minor units survives the way through its written amount."""
    digits = {"USD": 2, "JPY": 0, "BHD": 3, "UYW": 4}[currency]
    assert measure.minor_units(Decimal(minor).scaleb(-digits), currency) == minor


def test_fraction_of_a_minor_unit():
    """Half a cent is refused, and so is a float."""
    with pytest.raises(ValueError, match=r"0\.005 USD"):
        measure.minor_units("0.005", "USD")
    with pytest.raises(TypeError, match="float"):
        measure.minor_units(19.99, "USD")


def test_money(recording):
    """Money is counted in minor units, each currency apart."""
    measure.count_money("app.payments.amount", 1999, "USD", method="card")
    measure.count_money("app.payments.amount", 1, "usd", method="card")
    measure.count_money("app.payments.amount", 500, "JPY", method="card")

    sums = {
        p.attributes["otel_flow.currency"]: p.value for p in recording.points("app.payments.amount")
    }
    assert sums == {"USD": 2000, "JPY": 500}


def test_gauge(recording):
    """A gauge reports what its callback returns, with attributes or without."""
    measure.gauge("app.users.active", lambda: 17)
    measure.gauge("app.videos", lambda: [(2, {"status": "ready"}), (1, {"status": "raw"})])
    measure.gauge("app.nothing", lambda: None)

    assert [p.value for p in recording.points("app.users.active")] == [17]
    values = {p.attributes["status"]: p.value for p in recording.points("app.videos")}
    assert values == {"ready": 2, "raw": 1}
    assert recording.points("app.nothing") == []


HOLDER = """
from otel_flow.process.election import Election
election = Election("test", "gauge/app.shared")
assert election.is_elected()
print("held", flush=True)
input()
"""


def test_gauge_has_one_writer(recording):
    """While another process of the service reports a gauge, this one does not; then it takes over."""
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        measure.gauge("app.shared", lambda: 5)
        assert recording.points("app.shared") == []
        holder.stdin.close()
        holder.wait(10)

    assert [p.value for p in recording.points("app.shared")] == [5]


def test_election_of_different_posts():
    """Posts and services are independent of each other."""
    elections = [Election("a", "x"), Election("a", "y"), Election("b", "x")]

    assert all(election.is_elected() for election in elections)
    assert all(election.is_elected() for election in elections)
    assert not Election("a", "x").is_elected()
    for election in elections:
        election.resign()
    successor = Election("a", "x")
    assert successor.is_elected()
    successor.resign()


def test_user(recording, capsys):
    """A user is on the current span and on log events, for a block or for the whole context."""
    log = structlog.get_logger("t")
    tracer = recording.telemetry.tracer_provider.get_tracer("t")
    with tracer.start_as_current_span("request"), measure.user("alice"):
        log.info("inside")
    log.info("outside")

    assert recording.span("request").attributes["user.id"] == "alice"
    inside, outside = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert inside["user.id"] == "alice"
    assert "user.id" not in outside
    assert recording.records()[0].attributes["user.id"] == "alice"


def test_a_user_in_the_block_of_another(recording, capsys):
    """After an inner block the outer one's user is bound again, and ending elsewhere raises nothing."""
    log = structlog.get_logger("t")
    with measure.user("alice"):
        with measure.user("bob"):
            log.info("inner")
        log.info("outer")
        in_between = measure.user("carol")
        contextvars.copy_context().run(in_between.__exit__, None, None, None)

    inner, outer = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (inner["user.id"], outer["user.id"]) == ("bob", "alice")


def test_hashed_user():
    """With user_id=hash the id itself is nowhere, and the same user has the same hash."""
    recording = Recording(user_id="hash", redaction_hash_key="k")
    telemetry.set_current(recording.telemetry)
    try:
        for _ in range(2):
            with measure.user("alice"):
                structlog.get_logger("t").info("inside")
    finally:
        telemetry.set_current(None)
        recording.close()

    first, second = recording.records()
    assert first.attributes["user.hash"] == second.attributes["user.hash"]
    assert "alice" not in str(first.attributes)


def test_hashed_user_needs_a_key():
    """Hashing without a key is refused at start."""
    with pytest.raises(ConfigError, match="OTEL_FLOW_REDACTION_HASH_KEY"):
        Settings.from_environ({"OTEL_FLOW_USER_ID": "hash"})


def test_audit_passes_every_level(capsys):
    """An audit is written and recorded under its own scope when only errors are logged."""
    recording = Recording(log_level="ERROR")
    telemetry.set_current(recording.telemetry)
    try:
        structlog.get_logger("t").info("filtered")
        measure.audit("export.data", actor="alice", target="report/7", outcome="denied", rows=3)
    finally:
        telemetry.set_current(None)
        recording.close()

    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert line["event"] == "export.data"
    assert line["logger"] == "otel_flow.audit"
    (data,) = recording._records.get_finished_logs()
    assert data.instrumentation_scope.name == "otel_flow.audit"
    assert data.log_record.body == "export.data"
    assert data.log_record.attributes["otel_flow.audit.outcome"] == "denied"
    assert data.log_record.attributes["rows"] == 3


def test_audit_without_telemetry(capsys):
    """Before configure() an audit is a log event like others."""
    measure.audit("login", actor="alice")

    assert "login" in capsys.readouterr().out


def test_instrument_before_configure():
    """`otel_flow.instrument` before configure() names what is missing."""
    with pytest.raises(NotConfiguredError, match="configure"):
        otel_flow.instrument()


def traced_in_thread(recording, start):
    tracer = recording.telemetry.tracer_provider.get_tracer("t")
    seen = []

    def work():
        seen.append(trace.get_current_span().get_span_context().span_id)

    with tracer.start_as_current_span("parent") as parent:
        start(work)
    return seen == [parent.get_span_context().span_id]


def run_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def run_subclass(work):
    class Worker(threading.Thread):
        def run(self):
            work()

    worker = Worker()
    worker.start()
    worker.join()
    assert "run" not in vars(worker)


def run_pool(work):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def run_map(work):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda _: work(), [1]))


@pytest.mark.parametrize("start", [run_thread, run_subclass, run_pool, run_map])
def test_threads_inherit_the_span(recording, start):
    """A thread or pool task started in a span belongs to it, and no more after the undo."""
    undo = threads.instrument(telemetry=recording.telemetry)
    try:
        assert traced_in_thread(recording, start)
    finally:
        undo()
    inherits = getattr(sys.flags, "thread_inherit_context", False)
    assert inherits or not traced_in_thread(recording, start)


def test_carried(recording):
    """A carried function runs in the context it was made in, as often as it is called."""
    tracer = recording.telemetry.tracer_provider.get_tracer("t")
    with tracer.start_as_current_span("parent") as parent:
        work = measure.carried(lambda number: (number, trace.get_current_span()))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, [1, 2])) == [(1, parent), (2, parent)]
