"""Celery workers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time

from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ROOT = Path(__file__).parents[3]
READY_SECONDS = 60
MODULE = "tests.instrumentation.celery.shop"


def wait_until(found: Callable[[], object], what: str, seconds: float = 30) -> object:
    """What *found* returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.02)
    return value


class Worker:
    """A running worker and what it wrote to stdout and stderr."""

    def __init__(self, process: subprocess.Popen, output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self._errors = errors

    def stdout(self) -> str:
        return self._output.read_text()

    def stderr(self) -> str:
        return self._errors.read_text()

    def stop(self) -> None:
        """A warm stop: running tasks end first."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@contextlib.contextmanager
def celery(
    *arguments: str,
    endpoint: str,
    broker: str,
    ready: str = "ready.",
    wrapped: bool = False,
    module: str = MODULE,
    **environ: str,
) -> Iterator[Worker]:
    """Run ``celery -A <module> <arguments>`` until the block ends; it begins once *ready* is logged."""
    binary = Path(sys.executable).parent
    command = [str(binary / "celery"), "-A", module, *arguments]
    if wrapped:
        command = [str(binary / "opentelemetry-instrument"), *command]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "SHOP_BROKER": broker,
        "SHOP_CONFIGURES": "" if wrapped else "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_FLOW_LOG_FORMAT": "json",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        **environ,
    }
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "stdout", Path(folder) / "stderr"
        with (
            output.open("wb") as out,
            errors.open("wb") as err,
            subprocess.Popen(
                command, stdout=out, stderr=err, env=environ, cwd=folder, start_new_session=True
            ) as process,
        ):
            worker = Worker(process, output, errors)
            try:
                wait_until(lambda: _is_ready(worker, ready), f"{ready!r} in the log", READY_SECONDS)
                yield worker
            finally:
                worker.stop()


def _is_ready(worker: Worker, ready: str) -> bool:
    written = worker.stdout() + worker.stderr()
    assert worker.process.poll() is None, written[-3000:]
    return ready in written


def worker(*arguments: str, **options: object) -> contextlib.AbstractContextManager[Worker]:
    """Run a worker that takes few precautions, to be ready soon."""
    quick = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return celery("worker", "--loglevel", "INFO", *quick, *arguments, **options)
