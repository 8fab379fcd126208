"""The same promises with the oldest versions of the web frameworks and of Celery that we support."""

import pytest

from tests.environments import run_tests


pytestmark = [pytest.mark.fidelity, pytest.mark.services]

HERE = "tests/instrumentation"


def test_oldest_fastapi_and_starlette():
    """All tests of HTTP servers pass with FastAPI 0.110 and Starlette 0.37."""
    paths = ("fastapi", "never_twice", "http_servers", "any_asgi")
    failures = run_tests(
        *(f"{HERE}/test_{name}.py" for name in paths),
        requirements=("fastapi==0.110.3", "starlette==0.37.2"),
    )

    assert failures is None


def test_oldest_celery():
    """All tests of Celery pass with 5.5 and the kombu and redis-py of its time."""
    failures = run_tests(
        f"{HERE}/celery", requirements=("celery==5.5.0", "kombu==5.5.2", "redis==5.2.1")
    )

    assert failures is None
