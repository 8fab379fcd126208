"""A real Collector that writes what it receives to files."""

from __future__ import annotations

import contextlib
import subprocess

from typing import TYPE_CHECKING

from tests.stack.build import COLLECTOR, binary
from tests.stack.launch import free_port
from tests.stack.query import is_answering, poll_until


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_CONFIGURATION = """
receivers:
  otlp:
    protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}
exporters:
{exporters}
extensions:
  health_check: {{endpoint: "127.0.0.1:{health}"}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
{pipelines}
"""
_SIGNALS = ("traces", "metrics", "logs")


@contextlib.contextmanager
def writing_collector(directory: Path) -> Iterator[str]:
    """Yield the endpoint of a Collector; its files in *directory* are complete once it has ended."""
    otlp, health = free_port(), free_port()
    configuration = directory / "collector.yaml"
    exporters = (f"  file/{s}: {{path: {directory / s}.json}}" for s in _SIGNALS)
    pipelines = (f"    {s}: {{receivers: [otlp], exporters: [file/{s}]}}" for s in _SIGNALS)
    text = _CONFIGURATION.format(
        otlp=otlp, health=health, exporters="\n".join(exporters), pipelines="\n".join(pipelines)
    )
    configuration.write_text(text)
    with (
        (directory / "collector.log").open("wb") as log,
        subprocess.Popen(
            [binary(COLLECTOR), "--config", configuration], stdout=log, stderr=log
        ) as process,
    ):
        try:
            poll_until(lambda: is_answering(f"http://127.0.0.1:{health}/"), 30, "the Collector")
            yield f"http://127.0.0.1:{otlp}"
        finally:
            process.terminate()
            process.wait(10)
