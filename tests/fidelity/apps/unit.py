"""One unit of work: a span, a count, a line; then, on its own way, the number into a file."""

import faulthandler
import os
import signal
import time

import structlog

from opentelemetry import metrics, trace


_LEDGER = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_DURATION = metrics.get_meter("fidelity").create_histogram("units", unit="s")
_TRACER = trace.get_tracer("fidelity")
_LOG = structlog.get_logger("fidelity")

# Whoever never ends is asked by the tests where it is.
faulthandler.register(signal.SIGUSR2)

CHILD = 1_000_000
"""Added to a number where a forked child does the work once more."""


def unit(number: int) -> None:
    with _TRACER.start_as_current_span("unit", attributes={"unit": number}):
        _DURATION.record(0.001)
        _LOG.info("unit.done", unit=number)
    os.write(_LEDGER, f"{os.getpid()} {number} {time.monotonic()}\n".encode())


def configured(*targets: object) -> object:
    """Start telemetry where the wrapper has not; return the handle, or None under the wrapper."""
    if not os.environ.get("CONFIGURES"):
        return None
    import otel_flow

    telemetry = otel_flow.configure(log_format="json")
    if targets:
        telemetry.instrument(*targets)
    return telemetry
