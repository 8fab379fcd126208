import logging
import os

import hypothesis
import pytest

from tests.receiver import Receiver
from tests.servers import postgres_server, rabbitmq_server, redis_server
from tests.stack.build import is_built
from tests.stack.launch import NATIVE, Stack


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _logging_stays_as_it_is():
    """No test leaves other levels of logging behind: the next ones would wait for lines in vain."""
    root = logging.getLogger()
    before = (root.level, root.manager.disable)
    yield
    assert (root.level, root.manager.disable) == before


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_url():
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url():
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_url():
    with rabbitmq_server() as url:
        yield url


@pytest.fixture(scope="session")
def backends():
    """The native programs are built; else a failure in CI and a named skip elsewhere."""
    missing = [program.name for program in NATIVE.values() if not is_built(program)]
    if missing:
        message = f"not built: {', '.join(missing)}; `make backends` builds them"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def stack(backends):
    with Stack() as running:
        yield running
