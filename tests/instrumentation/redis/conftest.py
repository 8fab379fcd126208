import pytest
import redis

from otel_flow.instrumentation import redis as ours
from tests.recording import Recording
from tests.servers import redis_cluster, redis_sentinel


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


@pytest.fixture
def client(redis_url):
    made = redis.Redis.from_url(redis_url)
    made.flushall()
    made.script_flush()
    yield made
    ours.uninstrument(made)
    made.close()


@pytest.fixture(scope="session")
def cluster_ports():
    with redis_cluster() as ports:
        yield ports


@pytest.fixture(scope="session")
def sentinel_ports():
    with redis_sentinel() as ports:
        yield ports
