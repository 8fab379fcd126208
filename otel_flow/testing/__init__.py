"""
Telemetry in tests: what was recorded as plain dictionaries, with ids and a clock that repeat.

With pytest the fixtures of `otel_flow.pytest_plugin` are all that is needed; other
frameworks call `record` themselves.
"""

from __future__ import annotations

from otel_flow.testing.clock import FrozenClock
from otel_flow.testing.ids import SequentialIdGenerator
from otel_flow.testing.recorded import RecordedTelemetry, record


__all__ = ["FrozenClock", "RecordedTelemetry", "SequentialIdGenerator", "record"]
