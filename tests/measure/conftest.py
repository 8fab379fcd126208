import pytest

from otel_flow import telemetry
from tests.recording import Recording


@pytest.fixture
def recording():
    made = Recording()
    telemetry.set_current(made.telemetry)
    yield made
    telemetry.set_current(None)
    made.close()
