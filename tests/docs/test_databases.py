"""The code of the page about databases does what the page says."""

import re

from otel_flow import telemetry
from tests.recording import Recording
from tests.stack.build import ROOT


def test_the_code_counts(redis_url):
    """The example counts a miss, a success of both changes, and three hits."""
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/databases.md").read_text(), re.MULTILINE | re.DOTALL
    )
    recording = Recording()
    telemetry.set_current(recording.telemetry)
    exec(compile(code, "docs/databases.md", "exec"), {"REDIS_URL": redis_url})
    telemetry.set_current(None)

    found = {
        (
            point.attributes["otel_flow.cache.operation"],
            point.attributes["otel_flow.cache.result"],
        ): (point.value)
        for point in recording.points("otel_flow.cache.requests")
    }
    assert found == {
        ("get", "miss"): 1,
        ("set", "success"): 1,
        ("delete", "success"): 1,
        ("get", "hit"): 3,
    }
    recording.close()
