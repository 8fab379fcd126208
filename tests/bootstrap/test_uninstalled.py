"""A source tree that nobody has installed: vendored, or on PYTHONPATH."""

import os
import subprocess
import sys

from pathlib import Path

import otel_flow


PROGRAM = """
import otel_flow
from opentelemetry import trace

telemetry = otel_flow.configure(service_name="shop")
trace.get_tracer("t").start_span("work").end()
print(otel_flow.__version__, bool(telemetry.shutdown()))
"""


def test_a_tree_that_is_not_installed_delivers(receiver, tmp_path):
    """Telemetry starts and delivers where our own version cannot be known."""
    installed = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    for entry in installed.iterdir():
        if not entry.name.startswith(("otel_flow", "__editable__")) and entry.suffix != ".pth":
            (tmp_path / entry.name).symlink_to(entry)
    source = str(Path(otel_flow.__file__).parents[1])
    done = subprocess.run(
        # Without `site`, so that nothing but these two places is looked at.
        [sys.executable, "-S", "-c", PROGRAM],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([source, str(tmp_path)]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "0+unknown True\n", done.stderr
    assert [span.name for span in receiver.spans()] == ["work"]
    assert receiver.resources()[0]["telemetry.distro.version"] == "0+unknown"
