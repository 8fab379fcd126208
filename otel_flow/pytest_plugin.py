"""
Fixtures for pytest: what a test has recorded, as plain dictionaries.

Loaded by pytest wherever otel-flow is installed; nothing happens until a test asks for
`recorded_telemetry`, or the option ``otel_flow_early`` of pytest's configuration is true.
"""

from __future__ import annotations

import contextlib

from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.testing import RecordedTelemetry


_EARLY = "otel_flow_early"
_recorded = pytest.StashKey["RecordedTelemetry"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addini(
        _EARLY,
        "start otel-flow's recorded telemetry before conftests and test modules are imported, "
        "for applications that call configure() when they are",
        type="bool",
        default=False,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before anything of the application is imported, where that is asked for."""
    if early_config.getini(_EARLY):
        from otel_flow.testing import record  # noqa: PLC0415 - not in runs that do not ask for it

        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        early_config.stash[_recorded] = stack.enter_context(record())


@pytest.fixture(scope="session")
def telemetry_settings() -> dict[str, Any]:
    """Return the settings that telemetry of tests is started with; override it in a conftest."""
    return {}


@pytest.fixture(scope="session")
def _session_telemetry(
    pytestconfig: pytest.Config, telemetry_settings: dict[str, Any]
) -> Iterator[RecordedTelemetry]:
    """
    Run one telemetry for all tests.

    Tracers and meters that modules keep are those of the first provider for ever, so that
    one for each test would lose what they record.
    """
    if (early := pytestconfig.stash.get(_recorded, None)) is not None:
        yield early
        return
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
