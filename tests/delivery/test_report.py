"""What the engine says, and where."""

import io
import logging
import sys

from celery.utils.log import LoggingProxy

from otel_flow.delivery.report import logger


def test_problems_are_said_where_stderr_is_a_log(monkeypatch, caplog):
    """Where Celery logs what is printed, the engine's lines stay off that log, and off OTLP."""
    monkeypatch.setattr(sys, "stderr", LoggingProxy(logging.getLogger("redirected")))
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)
    logger.warning("nobody listens")

    assert terminal.getvalue() == "otel_flow.delivery: nobody listens\n"
    assert "redirected" not in {record.name for record in caplog.records}
