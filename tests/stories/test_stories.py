"""Our own instrumentations, tested as users test theirs: with the fixture that we ship."""

import subprocess
import sys

from tests.stack.build import ROOT


def test_stories():
    """Every story passes, in an order of its own, in a process that runs telemetry of tests."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *stories()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]


def stories():
    found = sorted(map(str, (ROOT / "tests/stories").glob("story_*.py")))
    assert found
    return found
