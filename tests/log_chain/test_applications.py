"""Applications that set up structlog or logging themselves, before us or after us."""

import json

import pytest

from tests.environments import environment
from tests.log_chain.programs import OURS, run


WORK = """
from opentelemetry import trace
import structlog
log = structlog.get_logger("shop")
with trace.get_tracer("t").start_as_current_span("work"), otel_flow.log_context(tenant="acme"):
    log.bind(bound=1).warning("happened", order_id=17, password="hunter2")
    try: 1/0
    except ZeroDivisionError: log.exception("failed")
"""

STANDARD = """
import logging, logging.config
logging.basicConfig(format="%(message)s", level=logging.INFO)
"""

CHAINS = {
    "print": """
import structlog
structlog.configure(processors=[
    structlog.processors.add_log_level, structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer()])
""",
    "formatted-early": """
import structlog
structlog.configure(processors=[
    structlog.processors.format_exc_info, structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()])
""",
    "dict-tracebacks": """
import structlog
structlog.configure(processors=[
    structlog.processors.dict_tracebacks, structlog.processors.add_log_level,
    structlog.processors.JSONRenderer()])
""",
    "event-renamer": """
import structlog
structlog.configure(processors=[
    structlog.processors.EventRenamer("message"), structlog.processors.add_log_level,
    structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])
""",
    "stdlib-json": STANDARD
    + """
import structlog
structlog.configure(processors=[
    structlog.stdlib.filter_by_level, structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level, structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger)
""",
    "stdlib-kwargs": STANDARD
    + """
import structlog
structlog.configure(processors=[
    structlog.stdlib.add_log_level, structlog.stdlib.render_to_log_kwargs],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger)
""",
    "processor-formatter": """
import logging, structlog, sys
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]))
logging.getLogger().addHandler(handler)
structlog.configure(processors=[
    structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger)
""",
    "console": """
import structlog
structlog.configure(processors=[
    structlog.processors.add_log_level, structlog.dev.ConsoleRenderer(colors=False)])
""",
    "own-renderer": """
import json, structlog
class Render:
    def __call__(self, logger, name, event):
        return json.dumps(event, default=str)
def own(logger, name, event):
    return {**event, "own": True}
def ended(logger, name, line):
    return line + " "
structlog.configure(processors=[
    own, structlog.processors.add_log_level, structlog.processors.format_exc_info,
    Render(), ended], cache_logger_on_first_use=True)
""",
    "once": """
import structlog
structlog.configure_once(processors=[
    structlog.processors.add_log_level, structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer()],
    cache_logger_on_first_use=True)
""",
}
RENDERED_AS_JSON = CHAINS.keys() - {"stdlib-kwargs", "console"}


def texts(done):
    """All that the program wrote, on whichever stream."""
    return done.stdout + done.stderr


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("chain", CHAINS)
def test_an_applications_own_chain(receiver, chain, when):
    """Its lines stay its own, with our ids and without secrets, and each event is one record."""
    steps = [CHAINS[chain], OURS] if when == "before" else [OURS, CHAINS[chain]]
    done = run(receiver, *steps, WORK)

    assert done.code == 0
    assert done.bodies() == ["failed", "happened"]
    happened, failed = done.attributes("happened"), done.attributes("failed")
    assert (happened["order_id"], happened["bound"], happened["tenant"]) == (17, 1, "acme")
    assert "hunter2" not in texts(done) + str(happened)
    assert failed["exception.type"] == "ZeroDivisionError"
    assert failed["exception.message"] == "division by zero"
    assert "ZeroDivisionError: division by zero" in failed["exception.stacktrace"]
    assert [r.severity_text for r in (done.record("happened"), done.record("failed"))] == [
        "WARN",
        "ERROR",
    ]
    assert texts(done).count("happened") == 1
    if chain in RENDERED_AS_JSON:
        shown = [json.loads(line) for line in texts(done).splitlines() if line[:1] == "{"]
        assert [line.get("event", line.get("message")) for line in shown] == ["happened", "failed"]
        assert {line["trace_id"] for line in shown} == {done.record("failed").trace_id.hex()}
        assert {line["request_id"] for line in shown} == {line["trace_id"] for line in shown}
        assert "ZeroDivisionError" in str(shown[1]["exception"])


def test_reset_defaults_and_partial_configuration(receiver):
    """After a reset, and where an application sets something else only, the chain is ours."""
    done = run(
        receiver,
        OURS,
        """
        import structlog
        log = structlog.get_logger("shop")
        structlog.configure(processors=[structlog.processors.JSONRenderer()])
        log.info("theirs")
        structlog.reset_defaults()
        assert not structlog.is_configured()
        log.info("ours")
        structlog.configure(cache_logger_on_first_use=True)
        log.info("cached")
        log.debug("not logged")
        structlog.configure(wrapper_class=structlog.stdlib.BoundLogger,
                            logger_factory=structlog.stdlib.LoggerFactory())
        structlog.get_logger("std").info("hello %s", "you")
        """,
    )

    assert done.stderr == ""
    assert [("service" in line, line["event"]) for line in done.lines()] == [
        (False, "theirs"),
        (True, "ours"),
        (True, "cached"),
        (True, "hello you"),
    ]
    assert done.bodies() == ["cached", "hello you", "ours", "theirs"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_levels_of_an_applications_own_chain_are_its_own(receiver, when):
    """An application that sets processors and no level still sees its debug lines, and records of them."""
    steps = [CHAINS["print"], OURS] if when == "before" else [OURS, CHAINS["print"]]
    done = run(
        receiver,
        *steps,
        """
        import structlog
        structlog.get_logger("shop").debug("detail")
        with structlog.testing.capture_logs() as captured:
            structlog.get_logger("shop").debug("captured")
        assert len(captured) == 1
        structlog.get_logger("shop").debug("detail")
        structlog.reset_defaults()
        structlog.get_logger("shop").debug("below our level")
        """,
    )

    assert (done.code, done.stderr) == (0, "")
    assert [line["event"] for line in done.lines()] == ["detail", "detail"]
    assert done.bodies() == ["detail", "detail"]
    assert done.scopes() == {"shop"}


def test_loggers_that_exist_before_us(receiver):
    """Lazy, bound and cached loggers made before us log through the chain that is there now."""
    done = run(
        receiver,
        """
        import structlog
        lazy, bound = structlog.get_logger("lazy"), structlog.get_logger("bound").bind(a=1)
        cached = structlog.wrap_logger(structlog.PrintLogger(), cache_logger_on_first_use=True)
        cached.info("too early")
        """,
        OURS,
        "for each in (lazy, bound, cached): each.info('event')",
    )

    assert done.bodies() == ["event"] * 3
    assert [line["event"] for line in done.lines()] == ["event"] * 3


def test_processors_of_a_single_logger(receiver):
    """A logger with processors of its own keeps them, and its events are exported once."""
    done = run(
        receiver,
        OURS,
        """
        import structlog
        own = [structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()]
        log = structlog.wrap_logger(structlog.PrintLogger(), processors=own, n=1)
        log.info("single")
        log.bind(m=2).warning("bound")
        print(len(own))
        """,
    )

    assert done.bodies() == ["bound", "single"]
    first, second, length = done.stdout.splitlines()
    assert first.startswith("n=1 event='single'")
    assert "m=2 event='bound'" in second
    assert length == "2"


CAPTURED = """
import structlog
from structlog.testing import capture_logs
log = structlog.get_logger("shop")
with capture_logs() as captured:
    log.info("captured", n=1)
    log.bind(a=1).debug("below the level")
assert captured[0] == {"event": "captured", "n": 1, "log_level": "info"}
print(len(captured))
log.info("afterwards")
log.debug("detail")
"""


@pytest.mark.parametrize("configured", ["", CHAINS["print"]], ids=["ours", "theirs"])
def test_capture_logs(receiver, configured):
    """What a test captures is neither written nor exported, and afterwards all is as before."""
    done = run(receiver, configured, OURS, CAPTURED)

    assert (done.code, done.stderr) == (0, "")
    assert done.bodies() == (["afterwards"] if configured == "" else ["afterwards", "detail"])
    # Of ours the level is known, theirs has none.
    assert done.stdout.splitlines()[0] == ("1" if configured == "" else "2")
    assert ("service" in done.line("afterwards")) is (configured == "")


def test_stdlib_logging_is_set_up_after_us(receiver):
    """``dictConfig`` and ``basicConfig`` have their effect, for good, and our handler stays beside."""
    done = run(
        receiver,
        OURS,
        """
        import logging, logging.config, sys
        logging.config.dictConfig({"version": 1, "root": {"level": "WARNING"}})
        logging.getLogger("a").warning("after dictConfig"); logging.getLogger("a").info("below")
        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="basic:%(message)s")
        logging.getLogger("b").debug("after basicConfig")
        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="forced:%(message)s",
                            force=True)
        logging.getLogger("c").info("after force")
        telemetry.shutdown()
        assert logging.getLogger().level == logging.DEBUG
        """,
    )

    assert done.stderr == ""
    assert done.bodies() == ["after basicConfig", "after dictConfig", "after force"]
    assert [line["event"] for line in done.lines()] == ["after dictConfig"]
    assert done.stdout.splitlines()[1:] == ["basic:after basicConfig", "forced:after force"]


HANDLERS = {
    "console": "handler = logging.StreamHandler(sys.stdout)",
    "queue": """
        queue = queue.Queue()
        listener = logging.handlers.QueueListener(queue, logging.StreamHandler(sys.stdout))
        listener.start()
        atexit.register(listener.stop)
        handler = logging.handlers.QueueHandler(queue)
    """,
}


@pytest.mark.parametrize("where", ["root", "shop"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_that_is_added_after_us_prints_alone(receiver, handler, where):
    """What prints a record, on the root logger or below it, is the one that shows it."""
    done = run(
        receiver,
        OURS,
        "import atexit, logging, logging.handlers, queue, sys",
        HANDLERS[handler],
        f"""
        logging.getLogger({None if where == "root" else where!r}).addHandler(handler)
        logging.getLogger("shop.orders").warning("placed %d", 17)
        """,
    )

    assert done.stdout.splitlines() == ["placed 17"]
    assert done.bodies() == ["placed 17"]


def test_a_logger_that_does_not_propagate_shows_what_its_handlers_show(receiver):
    """Beside a handler of its own, on the console or nowhere, there is a record and no second line."""
    done = run(
        receiver,
        OURS,
        """
        import logging, logging.config
        own = {"level": "INFO", "propagate": False}
        logging.config.dictConfig({
            "version": 1,
            "formatters": {"own": {"format": "own:%(message)s"}},
            "handlers": {
                "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout",
                            "formatter": "own"},
                "nowhere": {"class": "logging.NullHandler"},
            },
            "loggers": {
                "shown": {"handlers": ["console"], **own},
                "hidden": {"handlers": ["nowhere"], **own},
            },
        })
        for name in ("shown", "hidden", "other"):
            logging.getLogger(name).warning("from %s", name)
        """,
    )

    assert done.stderr == ""
    assert sorted(done.bodies()) == ["from hidden", "from other", "from shown"]
    assert [line["event"] for line in done.lines()] == ["from other"]
    assert "own:from shown" in done.stdout.splitlines()
    assert "from hidden" not in done.stdout


FILE_CONFIG = """
[loggers]
keys=root
[handlers]
keys=out
[formatters]
keys=ids
[logger_root]
level=INFO
handlers=out
[handler_out]
class=StreamHandler
args=(sys.stdout,)
formatter=ids
[formatter_ids]
format=%(message)s %(otelTraceID)s %(otelSpanID)s %(otelTraceSampled)s %(otelServiceName)s
"""


def test_formats_of_the_application_have_the_ids(receiver, tmp_path):
    """A handler that ``fileConfig`` sets up can show the ids, which are no keys of the record."""
    (tmp_path / "logging.ini").write_text(FILE_CONFIG)
    done = run(
        receiver,
        OURS,
        """
        import logging, logging.config
        from opentelemetry import trace
        logging.config.fileConfig("logging.ini", disable_existing_loggers=True)
        logging.getLogger("a").info("outside")
        with trace.get_tracer("t").start_as_current_span("work"):
            logging.getLogger("a").info("inside", extra={"request_id": "own"})
        """,
        cwd=tmp_path,
    )

    (span,) = receiver.spans()
    assert done.stdout.splitlines() == [
        "outside 0 0 False shop",
        f"inside {span.trace_id.hex()} {span.span_id.hex()} True shop",
    ]
    assert done.bodies() == ["inside", "outside"]
    assert done.attributes("inside")["request_id"] == "own"
    assert not any(key.startswith("otel") for key in done.attributes("inside"))


def test_a_level_of_stdlib_logging_counts_for_structlog_behind_it(receiver):
    """What a stdlib logger drops is not exported either, although structlog has processed it."""
    done = run(
        receiver,
        CHAINS["stdlib-kwargs"],
        OURS,
        """
        import structlog
        logging.getLogger("shop").setLevel(logging.ERROR)
        structlog.get_logger("shop").warning("dropped")
        structlog.get_logger("shop").error("kept")
        """,
    )

    assert done.bodies() == ["kept"]


def test_all_is_undone_at_shutdown(receiver):
    """After a shutdown structlog, logging and the hooks are as they were before."""
    done = run(
        receiver,
        """
        import logging, logging.config, structlog, sys, threading, warnings
        def state():
            return (structlog.get_config(), type(structlog._config._CONFIG), sys.excepthook,
                    threading.excepthook, warnings.showwarning, logging.basicConfig,
                    logging.config.fileConfig, logging.config.DictConfigurator.configure,
                    logging.getLogger().handlers[:], logging.getLogger().level,
                    logging.getLogger("urllib3").level, logging.getLogRecordFactory(), structlog._config.BoundLoggerLazyProxy.bind)
        before = state()
        """,
        OURS,
        "structlog.get_logger().info('one'); telemetry.shutdown(); assert state() == before",
    )

    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize("requirement", ["structlog==24.1.0", "structlog"], ids=["floor", "newest"])
def test_other_versions_of_structlog(receiver, requirement):
    """Our chain and the joined one work with the oldest structlog that is allowed and the newest."""
    python = environment(requirement)
    ours = run(receiver, OURS, WORK, CAPTURED, python=python)
    theirs = run(receiver, CHAINS["dict-tracebacks"], OURS, WORK, python=python)

    assert (ours.code, ours.stderr, theirs.code, theirs.stderr) == (0, "", 0, "")
    assert ours.bodies() == sorted(["afterwards", *["failed", "happened"] * 2])
