"""
The table that drives everything: one entry a setting.

To add a setting, add an entry here and a field to `otel_flow.settings.model.Settings`
(or to a group of `otel_flow.settings.groups`); reading, checking, masking, ``otel-flow
env`` and README's table follow from the entry.
"""

from otel_flow.settings.table import instrumentation, service, signals
from otel_flow.settings.table.otlp import COMMON, OTLP, SIGNALS
from otel_flow.settings.table.proxies import PROXIES
from otel_flow.settings.table.setting import Setting


SETTINGS: tuple[Setting, ...] = (
    *service.RESOURCE,
    *signals.EXPORT,
    *OTLP,
    *PROXIES,
    *signals.TRACES,
    *signals.LIMITS,
    *signals.QUEUES,
    *signals.METRICS,
    *service.LOGS,
    *service.REDACTION,
    *instrumentation.INSTRUMENTATION,
)
"""Every setting, in the order of the table."""

LISTED: tuple[Setting, ...] = (
    *service.RESOURCE,
    *signals.EXPORT,
    *COMMON,
    *signals.TRACES,
    *signals.LIMITS,
    *signals.QUEUES,
    *signals.METRICS,
    *service.LOGS,
    *service.REDACTION,
    *instrumentation.INSTRUMENTATION,
)
"""Every setting once, the OTLP options not by signal: the rows of README's table."""

__all__ = ["COMMON", "LISTED", "OTLP", "SETTINGS", "SIGNALS", "Setting"]
