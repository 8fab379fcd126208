"""The shop's processes: started, watched through their pipes, stopped by their ids."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_flow.settings.inherited import inherited


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    Line = Mapping[str, Any]


_STOP_SECONDS = 15.0
_LAST_WORDS = 40
_BAD = frozenset({"error", "critical"})
_CHILD = str(Path(__file__).with_name("child.py"))

WEB = "otel_flow.demo.shop.web:app"
WORKER = "otel_flow.demo.shop.worker"


class ServiceEndedError(RuntimeError):
    """A service ended that should run; the message holds its last lines."""


class Service:
    """
    One process; *line* is called with each JSON line that it writes, *text* with any other.

    Both are called from a thread. The last forty lines that are no JSON or errors are
    kept for the case that it fails.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        line: Callable[[Line], object],
        text: Callable[[str], object] = lambda _text: None,
    ) -> None:
        self.name = name
        self._line = line
        self._text = text
        self._words: collections.deque[str] = collections.deque(maxlen=_LAST_WORDS)
        # In a session of its own: Ctrl-C is for the demo, which then stops its services.
        self._process = subprocess.Popen(
            [sys.executable, _CHILD, sys.executable, *command],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"{name}-lines")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for raw in lines:
                text = raw.decode(errors="replace").rstrip()
                try:
                    found = json.loads(text)
                except ValueError:
                    found = None
                if not isinstance(found, dict):
                    self._text(text)
                    self._words.append(text)
                    continue
                self._line(found)
                if found.get("level") in _BAD:
                    self._words.extend(_told(found))

    def check(self) -> None:
        """Raise `ServiceEndedError` if the process has ended."""
        if self._process.poll() is not None:
            words = "\n".join(f"  {word}" for word in self._words)
            raise ServiceEndedError(
                f"{self.name} ended with status {self._process.returncode}:\n{words}"
            )

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> bool:
        """Wait until the process and its children are gone; return whether nobody had to be killed."""
        willing = True
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            willing = False
        with contextlib.suppress(ProcessLookupError):
            # The session is this service's own: whoever is left in it was its child.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        return willing


def _told(line: Line) -> list[str]:
    """Return an error line as a person reads it, its traceback line by line."""
    trace = str(line.get("exception.stacktrace") or line.get("exception") or "")
    return [f"{line.get('level')}: {line.get('event')}", *trace.splitlines()]


class Services:
    """The web service and the worker of the shop, until the block ends."""

    def __init__(
        self,
        home: Path,
        *,
        endpoint: str,
        own_backend: bool,
        redis_url: str | None,
        line: Callable[[Line], object],
        text: Callable[[str], object],
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: list[Service] = []
        environ = service_environ(home, endpoint, own_backend=own_backend, redis_url=redis_url)
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        worker = ["-q", "-A", WORKER, "worker", "--concurrency", "1", "--loglevel", "INFO"]
        commands = {
            "shop": ["-m", "uvicorn", WEB, *address],
            "shop-worker": ["-m", "celery", *worker],
        }
        try:
            for name, command in commands.items():
                named = {**environ, "OTEL_SERVICE_NAME": name}
                self._running.append(Service(name, command, named, line, text))
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise `ServiceEndedError` if one of them has ended."""
        for service in self._running:
            service.check()

    def wait_ready(self, seconds: float) -> None:
        """Return when the web service takes connections; raises `ServiceEndedError`."""
        end = time.monotonic() + seconds
        while not is_open("127.0.0.1", self.port):
            self.check()
            if time.monotonic() > end:
                raise ServiceEndedError(f"shop did not answer within {seconds:g} s")
            time.sleep(0.02)

    def stop(self) -> bool:
        """Stop them gracefully, after a while by force; return whether force was not needed."""
        for service in self._running:
            service.terminate()
        waited = [service.wait() for service in self._running]
        return all(waited)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def service_environ(
    home: Path, endpoint: str, *, own_backend: bool, redis_url: str | None
) -> dict[str, str]:
    """
    Return the environment of the services.

    Of the user's ``OTEL_*`` and proxy variables only what reaches *own_backend*, the
    user's, is kept: the demo shall show the same everywhere.
    """

    def without(name: str) -> bool:
        is_proxy = name.lower().endswith("_proxy")
        if own_backend and (is_proxy or name.startswith("OTEL_EXPORTER_OTLP_")):
            return name.endswith("_ENDPOINT")
        return is_proxy or name.startswith(("OTEL_", "SHOP_"))

    return inherited(
        {
            "SHOP_HOME": str(home),
            "SHOP_REDIS_URL": redis_url or "",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=demo,service.version=1.0",
            "OTEL_FLOW_LOG_FORMAT": "json",
            "OTEL_BSP_SCHEDULE_DELAY": "250",
            "OTEL_BLRP_SCHEDULE_DELAY": "250",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "PYTHONUNBUFFERED": "1",
        },
        without=without,
    )


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(host: str, port: int) -> bool:
    """Return whether somebody listens there."""
    try:
        socket.create_connection((host, port), 0.5).close()
    except OSError:
        return False
    return True
