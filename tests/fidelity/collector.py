"""A real Collector that writes to files, and can be stopped, started again and slowed down."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

from typing import TYPE_CHECKING, Any

from tests.servers import free_port
from tests.stack.build import COLLECTOR, binary
from tests.stack.query import is_answering, poll_until


if TYPE_CHECKING:
    import random

    from collections.abc import Iterator
    from pathlib import Path


# Nothing between receiver and file: an answer means that the data is in the file, so
# that whatever is missing there was lost before.
_CONFIGURATION = """
receivers:
  otlp:
    protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}
exporters:
  file: {{path: "{file}", append: true}}
extensions:
  health_check: {{endpoint: "127.0.0.1:{health}"}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
    logs: {{receivers: [otlp], exporters: [file]}}
"""
READY_SECONDS = 60


class Collector:
    """The Collector of one cell; its file in *folder* is complete once it has stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "received.json"
        self._port, self._health = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._detour: Detour | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._detour.port if self._detour else self._port}"

    def start(self) -> None:
        if self._process is not None:
            return
        configuration = self._folder / "collector.yaml"
        text = _CONFIGURATION.format(port=self._port, health=self._health, file=self._file)
        configuration.write_text(text)
        with (self._folder / "collector.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(COLLECTOR), "--config", configuration],
                stdout=log,
                stderr=log,
                env={**os.environ, "GOMEMLIMIT": "200MiB"},
            )
        address = f"http://127.0.0.1:{self._health}/"
        poll_until(lambda: is_answering(address), READY_SECONDS, "the Collector")

    def stop(self, *, kill: bool = False) -> None:
        """End it: what it has answered is in the file, unless it is killed."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(READY_SECONDS)
            self._process = None

    def forget(self) -> None:
        """Remove what it has written down."""
        self._file.unlink()

    def close(self) -> None:
        self.stop()
        if self._detour is not None:
            self._detour.close()

    def detour(self) -> str:
        """An endpoint whose connections `interrupt` can cut."""
        self._detour = Detour(self._port, 0)
        return self.endpoint

    def interrupt(self, dice: random.Random, away: float) -> None:
        """Be there, cut all connections, be away for up to *away* seconds."""
        time.sleep(dice.uniform(0.5, 3))
        assert self._detour is not None
        self._detour.cut()
        time.sleep(dice.uniform(0, 1))
        self.stop()
        time.sleep(dice.uniform(0.5, away))
        self.start()

    def slow_down(self, seconds: float) -> None:
        """Let each answer take *seconds* more, from now on and at another endpoint."""
        self._detour = Detour(self._port, seconds)

    def requests(self) -> Iterator[dict[str, Any]]:
        """Everything that it has written down, once it has stopped."""
        self.stop()
        if self._file.exists():
            with self._file.open() as lines:
                yield from (json.loads(line) for line in lines)


class Detour:
    """A port that leads to *target*, with answers that arrive *seconds* late."""

    def __init__(self, target: int, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # Closing alone would leave the thread in accept().
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def cut(self) -> None:
        """Cut all connections, whatever is on its way."""
        while self._connections:
            with contextlib.suppress(OSError):
                self._connections.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            try:
                backend = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._connections += [client, backend]
            for ends in ((client, backend, 0.0), (backend, client, self._seconds)):
                threading.Thread(target=_forward, args=ends, daemon=True).start()


def _forward(source: socket.socket, drain: socket.socket, seconds: float) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            time.sleep(seconds)
            drain.sendall(data)
    for end in (source, drain):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()
