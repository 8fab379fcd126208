"""Celery workers in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import wait_until


if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).parents[3]
READY_SECONDS = 120
# An environment of another version has the module of the wrapper, but not its command.
WRAPPER = (
    sys.executable,
    "-c",
    "from opentelemetry.instrumentation.auto_instrumentation import run; run()",
)
MODULE = "tests.instrumentation.celery.shop"


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
    conf: dict[str, object] | None = None,
    **environ: str,
) -> Iterator[Worker]:
    """Run ``celery -A <module> <arguments>`` until the block ends; it begins once *ready* is logged."""
    binary = Path(sys.executable).parent
    command = [str(binary / "celery"), "-A", module, *arguments]
    if wrapped:
        command = [*WRAPPER, *command]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "SHOP_BROKER": broker,
        "SHOP_CONF": json.dumps(conf or {}),
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


def tree(spans: list[object]) -> dict[str, list[str]]:
    """Name of a span → the sorted names of its children, over SDK's and OTLP's spans."""
    names = {_ids(span)[0]: span.name for span in spans}
    children: dict[str, list[str]] = {}
    for span in spans:
        parent = names.get(_ids(span)[1], "")
        children[parent] = sorted([*children.get(parent, []), span.name])
    return children


def trace_ids(spans: list[object]) -> set[int]:
    return {_ids(span)[2] for span in spans}


def _ids(span: object) -> tuple[int, int, int]:
    """The ids of span, parent and trace."""
    if hasattr(span, "trace_id"):
        parts = (span.span_id, span.parent_span_id, span.trace_id)
        return tuple(int.from_bytes(part, "big") for part in parts)
    parent = 0 if span.parent is None else span.parent.span_id
    return (span.context.span_id, parent, span.context.trace_id)


def keys(pairs: object) -> dict[str, object]:
    """The attributes of an OTLP item."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def values(receiver: object, name: str) -> dict[tuple, float]:
    """Last value, or count, of each series of *name*: its process, start and attributes."""
    found = {}
    for request in list(receiver.requests):
        for resource in getattr(request, "resource_metrics", ()):
            instance = keys(resource.resource.attributes)["service.instance.id"]
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                if metric.name == name:
                    for point in getattr(metric, metric.WhichOneof("data")).data_points:
                        labels = tuple(sorted(keys(point.attributes).items()))
                        number = getattr(point, "count", None)
                        if number is None:
                            number = point.as_int or point.as_double
                        found[instance, point.start_time_unix_nano, labels] = number
    return found


def total(receiver: object, name: str, **labels: str) -> float:
    """The sum over all processes of what has these attributes; underscores stand for dots."""
    wanted = {key.replace("_", "."): value for key, value in labels.items()}.items()
    found = values(receiver, name)
    return sum(number for (*_, has), number in found.items() if wanted <= dict(has).items())
