"""loguru: its events become records, once each, and it prints as the application wants it."""

import json

from tests.log_chain.programs import OURS, run


LOGURU = "from loguru import logger; telemetry.instrument()"


def test_events_of_loguru_are_records(receiver):
    """An event has its level, place, extras, exception and ids, whatever sinks are there."""
    done = run(
        receiver,
        OURS,
        LOGURU,
        """
        import sys
        from opentelemetry import trace
        logger.remove()
        logger.add(sys.stdout, serialize=True, level="INFO")
        with trace.get_tracer("t").start_as_current_span("work"):
            logger.bind(order_id=17).success("placed {}", 17)
            try: 1/0
            except ZeroDivisionError: logger.exception("failed password=hunter2")
            logger.debug("below the level")
        telemetry.set_log_level("DEBUG")
        logger.debug("now logged")
        """,
    )

    placed = done.attributes("placed 17")
    assert (placed["order_id"], placed["code.function.name"]) == (17, "__main__.<module>")
    assert done.record("placed 17").severity_text == "SUCCESS"
    assert done.bodies() == ["failed password=[REDACTED]", "now logged", "placed 17"]
    failed = done.attributes("failed password=[REDACTED]")
    assert failed["exception.type"] == "ZeroDivisionError"
    (span,) = receiver.spans()
    shown = [json.loads(line)["record"] for line in done.stdout.splitlines()]
    assert {record["extra"]["trace_id"] for record in shown} == {span.trace_id.hex()}
    assert [record["message"] for record in shown] == ["placed 17", "failed password=[REDACTED]"]


INTERCEPTED = """
import logging
class Intercept(logging.Handler):
    def emit(self, record):
        logger.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())
logging.basicConfig(handlers=[Intercept()], level=logging.INFO, force=True)
logging.getLogger("std").warning("from logging")
logger.info("from loguru")
"""

PROPAGATED = """
import logging
class Propagate(logging.Handler):
    def emit(self, record):
        logging.getLogger(record.name).handle(record)
logger.remove()
logger.add(Propagate(), format="{message}")
logger.info("from loguru")
logging.getLogger("std").warning("from logging")
"""


def test_what_is_handed_on_between_loguru_and_logging_is_one_record(receiver):
    """Both usual ways to bring the two together give one record and one line an event."""
    intercepted = run(receiver, OURS, LOGURU, INTERCEPTED)
    assert intercepted.bodies() == ["from logging", "from loguru"]
    shown = intercepted.stdout + intercepted.stderr
    assert (shown.count("from logging"), shown.count("from loguru")) == (1, 1)

    receiver.requests.clear()
    propagated = run(receiver, OURS, LOGURU, PROPAGATED)
    assert propagated.bodies() == ["from logging", "from loguru"]
    assert [line["event"] for line in propagated.lines()] == ["from loguru", "from logging"]


def test_loguru_is_left_as_it_was(receiver):
    """After the undo loguru has neither our sink nor our patcher, and its methods back."""
    done = run(
        receiver,
        OURS,
        """
        from loguru import logger
        kind = type(logger)
        before = list(logger._core.handlers), logger._core.patcher, kind.remove, kind.configure
        undo = telemetry.instrument()
        logger.configure(patcher=lambda record: record["extra"].update(own=1))
        logger.info("taken")
        logger.configure(patcher=lambda record: None)
        undo()
        logger.configure(patcher=None)
        after = list(logger._core.handlers), logger._core.patcher, kind.remove, kind.configure
        assert after[2:] == before[2:], after
        logger.info("not taken")
        assert list(logger._core.handlers) == before[0]
        """,
    )

    assert done.code == 0, done.stderr
    assert done.bodies() == ["taken"]
    assert done.attributes("taken")["own"] == 1
