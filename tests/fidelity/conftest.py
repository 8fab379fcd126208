import os
import signal

import pytest

from tests.fidelity.collector import Collector
from tests.fidelity.table import ROWS, table
from tests.stack.build import COLLECTOR, is_built


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """What is started here can be interrupted, even if this run itself is in the background."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def collector_program():
    """The Collector is built; else a failure in CI and a named skip elsewhere."""
    if not is_built(COLLECTOR):
        message = f"not built: {COLLECTOR.name}; `make backends` builds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def collector(collector_program, tmp_path):
    folder = tmp_path / "collector"
    folder.mkdir()
    running = Collector(folder)
    running.start()
    yield running
    running.close()


def pytest_terminal_summary(terminalreporter, config):
    """Print the table of a full run, for docs/delivery.md."""
    if ROWS and config.getoption("-m") == "fidelity":
        terminalreporter.write_line(table())
