"""redis-py: commands, pipelines and connection pools of its clients, sync and async."""

from otel_flow.instrumentation.redis.clients import TARGETS, instrument, uninstrument


__all__ = ["TARGETS", "instrument", "uninstrument"]
