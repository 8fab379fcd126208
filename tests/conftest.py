import pytest

from tests.receiver import Receiver
from tests.servers import postgres_server, rabbitmq_server, redis_server


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
