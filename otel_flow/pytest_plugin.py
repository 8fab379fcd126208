"""
Fixtures for pytest: what a test has recorded, as plain dictionaries.

Loaded by pytest wherever otel-flow is installed; nothing happens until a test asks for
`recorded_telemetry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.testing import RecordedTelemetry


@pytest.fixture(scope="session")
def telemetry_settings() -> dict[str, Any]:
    """Return the settings that telemetry of tests is started with; override it in a conftest."""
    return {}


@pytest.fixture(scope="session")
def _session_telemetry(telemetry_settings: dict[str, Any]) -> Iterator[RecordedTelemetry]:
    """
    Run one telemetry for all tests.

    Tracers and meters that modules keep are those of the first provider for ever, so that
    one for each test would lose what they record.
    """
    from otel_flow.testing import record  # noqa: PLC0415 - not in runs that do not ask for it

    with record(**telemetry_settings) as recorded:
        yield recorded


@pytest.fixture
def recorded_telemetry(_session_telemetry: RecordedTelemetry) -> Iterator[RecordedTelemetry]:
    """
    Return what the test has recorded: spans, log records and data points as dictionaries.

    Ids are 1, 2, 3 and so on, and the clock stands still until it is told to advance, so that
    everything is the same in every run; see `otel_flow.testing.RecordedTelemetry`.
    """
    from otel_flow.testing.recorded import repeatable  # noqa: PLC0415 - as above

    with repeatable(_session_telemetry) as recorded:
        yield recorded
