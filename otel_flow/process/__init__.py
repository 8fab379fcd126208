"""Fork, exit and signals: the only place that hooks into the life of the process."""

from otel_flow.process.hooks import flush_now, install, on_exit, on_flush, uninstall
from otel_flow.process.interruption import sigterm_interrupts


__all__ = ["flush_now", "install", "on_exit", "on_flush", "sigterm_interrupts", "uninstall"]
