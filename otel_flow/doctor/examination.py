"""All that is looked at, in order: from what is installed to what the backend says to a probe."""

from __future__ import annotations

import logging

from typing import TYPE_CHECKING

from otel_flow.doctor import (
    distribution,
    environment,
    libraries,
    network,
    probe,
    service,
    signals,
    versions,
)
from otel_flow.doctor.finding import ok, warning
from otel_flow.doctor.report import Report
from otel_flow.doctor.samples import build_samples
from otel_flow.doctor.target import targets
from otel_flow.settings.describe import describe


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from otel_flow.doctor.finding import Finding
    from otel_flow.settings import Settings


def examine(
    environ: Mapping[str, str],
    *,
    seconds: float = 5.0,
    send: bool = True,
    found: Callable[[Finding], object] = lambda _finding: None,
) -> Report:
    """
    Examine the environment *environ* of a service, and return the report.

    *seconds* bounds each wait: a look-up of a name, a connection, an answer. With *send*
    one span, one data point and one log record go to the backend. *found* is called with
    each finding as it is made.
    """
    report = Report()

    def keep(findings: Iterable[Finding]) -> None:
        for finding in findings:
            report.findings.append(finding)
            found(finding)

    heard = _Heard()
    logger = logging.getLogger("otel_flow")
    logger.addHandler(heard)
    try:
        keep(versions.check())
        keep(distribution.check(environ))
        settings, findings = environment.check(environ)
        keep(findings)
        if settings is not None:
            report.settings = describe(settings)
            keep(service.check(settings))
            keep(signals.check(settings))
            keep(libraries.check(settings))
            if send and not settings.sdk_disabled:
                _ask(settings, seconds, keep)
        keep(warning("engine.warning", said, _READ_IT) for said in heard.said)
    finally:
        logger.removeHandler(heard)
    return report


def _ask(settings: Settings, seconds: float, keep: Callable[[Iterable[Finding]], object]) -> None:
    """Go to each place that signals are sent to, and send it what it gets."""
    samples = build_samples(settings)
    for target, sent in targets(settings).items():
        way = list(network.check(target, seconds))
        keep(way)
        if all(step.level != "problem" for step in way):
            taken = list(probe.check(settings, sent, samples, seconds))
            keep(taken)
            if any(each.level == "ok" and each.subject != "metrics" for each in taken):
                said = f"span and log record have the trace id {samples.trace_id}"
                keep([ok("probe.trace_id", f"{said}: look for it in the backend")])


_READ_IT = "a service logs this line at its start, too"


class _Heard(logging.Handler):
    """Keeps what our own parts log, so that it is part of the report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.said.append(record.getMessage())
