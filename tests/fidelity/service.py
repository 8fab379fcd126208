"""A server under load: started, told things, ended, and what it printed."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery

from tests.environments import environment
from tests.fidelity import evidence
from tests.servers import free_port, is_open


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fidelity.models import Model


APPS = Path(__file__).parent / "apps"
BIN = Path(sys.executable).parent
SECONDS = 300
"""For whatever must happen in the end, on a machine that does much else."""


def until(check: Callable[[], Any], what: str, process: subprocess.Popen | None = None) -> None:
    end = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < end, f"not within {SECONDS} s: {what}"
        assert process is None or process.poll() is None, f"ended before: {what}"
        time.sleep(0.02)


class Program:
    """A process with its ledger, its output and its errors in *folder*."""

    def __init__(
        self,
        command: str,
        folder: Path,
        endpoint: str,
        *,
        wrapped: bool,
        requirements: tuple[str, ...] = (),
        **environ: str,
    ) -> None:
        self.folder = folder
        # Ids are taken from one another by service: no cell meets another.
        self.name = f"fidelity-{folder.name}-{os.getpid()}"
        self.ledger = folder / "ledger"
        self.ledger.touch()
        name, *arguments = command.split()
        program = [str(BIN / name), *arguments]
        if requirements:
            program = [str(environment(*requirements)), "-m", name, *arguments]
        if wrapped:
            program = [str(BIN / "otel-flow"), "run", "--", *program]
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("OTEL_")}
        with (folder / "stdout").open("ab") as out, (folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                program,
                stdout=out,
                stderr=errors,
                stdin=subprocess.PIPE,
                cwd=folder,
                start_new_session=True,
                env={
                    **inherited,
                    "PATH": f"{BIN}:{os.environ['PATH']}",
                    "PYTHONPATH": str(APPS),
                    "PYTHONWARNINGS": "ignore",
                    "LEDGER": str(self.ledger),
                    "CONFIGURES": "" if wrapped else "1",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                    "OTEL_SERVICE_NAME": self.name,
                    "OTEL_METRIC_EXPORT_INTERVAL": "500",
                    "OTEL_FLOW_LOG_FORMAT": "json",
                    **environ,
                },
            )

    def done(self) -> int:
        """How many units have been done."""
        return self.ledger.read_bytes().count(b"\n")

    def wait_for(self, units: int) -> None:
        target = self.done() + units
        until(lambda: self.done() >= target, f"{target} units", self.process)

    def generations(self) -> int:
        """How many processes have done work so far."""
        return evidence.processes(self.ledger)

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        (os.killpg if group else os.kill)(self.process.pid, number)

    def wait(self) -> int:
        """The exit status, once the process and all that it started have ended."""
        try:
            status = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._tell_where_it_hangs()
            raise
        until(lambda: not _group_lives(self.process.pid), "end of the process group")
        return status

    def _tell_where_it_hangs(self) -> None:
        """Print the errors, with the stacks of every process that did work (``apps/unit.py``)."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGUSR2, group=True)
        time.sleep(1)
        print(self.stderr[-20_000:])

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        return evidence.lines(self.stdout) + evidence.lines(self.stderr)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Load:
    """Work for a server, from several threads, until it is stopped."""

    def __init__(
        self, request: Callable[[int], bool], *, numbers: Iterator[int], clients: int = 4
    ) -> None:
        self.answered: list[int] = []
        self._request = request
        self._numbers = numbers
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            number = next(self._numbers)
            if self._request(number):
                self.answered.append(number)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def http_request(port: int, path: str) -> Callable[[int], bool]:
    """A request that says whether it was answered; connections may break at any time."""

    def request(number: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", f"{path}/{number}", headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status == 200 and answer.read() != b""
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return request


def task(broker: str, queue: str) -> Callable[[int], bool]:
    app = Celery(broker=broker, set_as_current=False)

    def publish(number: int) -> bool:
        app.send_task("unit", args=[number], queue=queue)
        return False

    return publish


class Service(Program):
    """A server of *model*, ready to serve."""

    def __init__(
        self,
        model: Model,
        folder: Path,
        endpoint: str,
        *,
        wrapped: bool,
        broker: str = "",
        arguments: str = "",
        **environ: str,
    ) -> None:
        self.model = model
        self._numbers = itertools.count()
        self.port = free_port()
        self._broker = broker
        self._queue = f"queue-{folder.name}-{self.port}"
        self.watched = folder / "watched"
        self.watched.mkdir()
        (self.watched / "settings.py").touch()
        command = model.command.format(port=self.port, folder=self.watched)
        first, _, rest = command.partition(" ")
        if arguments and model.kind != "celery":
            command = f"{first} {arguments} {rest}"
        elif arguments:
            command = f"{command} {arguments}"
        super().__init__(
            command,
            folder,
            endpoint,
            wrapped=wrapped,
            requirements=model.requirements,
            BROKER=broker,
            QUEUE=self._queue,
            **environ,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self) -> None:
        if self.model.kind in ("asgi", "wsgi"):
            until(lambda: is_open(self.port), "an open port", self.process)
        elif self.model.kind == "celery":
            until(lambda: "ready." in self.stdout + self.stderr, "a worker", self.process)

    @contextlib.contextmanager
    def load(self, path: str = "/unit") -> Iterator[Load | None]:
        """Work until the block ends; beat gives it to itself."""
        if self.model.kind == "beat":
            yield None
            return
        request = (
            task(self._broker, self._queue)
            if self.model.kind == "celery"
            else http_request(self.port, path)
        )
        clients = 1 if self.model.kind == "celery" else 4
        running = Load(request, numbers=self._numbers, clients=clients)
        try:
            yield running
        finally:
            running.stop()
