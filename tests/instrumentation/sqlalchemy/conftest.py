import pytest

from tests.recording import Recording


@pytest.fixture
def recording():
    made = Recording()
    yield made
    made.close()
