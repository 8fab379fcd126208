"""Starting telemetry: the only place that sets globals."""

from otel_flow.bootstrap.assembly import start
from otel_flow.bootstrap.configuration import configure, instrument


__all__ = ["configure", "instrument", "start"]
