"""The same promises with the other major versions of redis-py, in environments of their own."""

import pytest

from tests.environments import run_tests


HERE = "tests/instrumentation/redis"


@pytest.mark.parametrize(
    "version",
    [
        "5.0.0",
        # The last ones before redis-py's own telemetry, and the first with it.
        pytest.param("6.4.0", marks=pytest.mark.fidelity),
        pytest.param("7.4.1", marks=pytest.mark.fidelity),
    ],
)
def test_another_version(version):
    """The tests of clients and clusters pass with this version."""
    failures = run_tests(
        *(f"{HERE}/test_{name}.py" for name in ("clients", "clusters")),
        requirements=(f"redis=={version}", "async-timeout"),
    )

    assert failures is None, failures
