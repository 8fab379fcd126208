"""The same promises with the oldest redis-py that is supported, in an environment of its own."""

import subprocess

from tests.environments import environment
from tests.stack.build import ROOT


def test_the_oldest_version():
    """The tests of clients and clusters pass with redis-py 5.0.0."""
    python = environment("redis==5.0.0", "async-timeout")
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-W", "default"),
            "tests/instrumentation/redis/test_clients.py",
            "tests/instrumentation/redis/test_clusters.py",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]
