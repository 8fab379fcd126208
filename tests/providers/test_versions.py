"""Telemetry on the oldest and the newest SDK that the project allows."""

import pytest

from tests.environments import environment
from tests.providers.test_seams import check


def release(version, contrib):
    core = ("api", "sdk", "proto", "exporter-otlp-proto-http")
    return (
        *(f"opentelemetry-{part}{version}" for part in core),
        f"opentelemetry-instrumentation{contrib}",
    )


VERSIONS = {
    "oldest": release("==1.43.0", "==0.64b0"),
    "newest": release(">=1.43,<2", ">=0.64b0,<1"),
}


@pytest.mark.fidelity
@pytest.mark.parametrize("age", VERSIONS)
def test_all_signals_arrive(receiver, age):
    """All that a program and its child record arrives; what the oldest lacks is said."""
    said = check(receiver, "_no_such_name", python=environment(*VERSIONS[age]))

    assert len(said) == (2 if age == "oldest" else 0)
