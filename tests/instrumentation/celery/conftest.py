import pytest

from kombu import pools
from kombu.transport import memory

from tests.instrumentation.celery.shop import build
from tests.recording import Recording


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()


@pytest.fixture
def shop(recording):
    """Makes applications that are recorded where the test publishes."""
    made = []

    def make(broker="memory://", backend=None, **settings):
        app = build(broker, backend, **settings)
        made.append(app)
        recording.telemetry.instrument(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.fixture(autouse=True)
def _no_messages_of_others():
    """Kombu keeps connections and the queues of its memory transport for the process."""
    yield
    pools.reset()
    memory.Channel.queues.clear()
    memory.Transport.global_state.clear()
