"""
Start the native Collector, Prometheus, Jaeger and Loki on loopback.

They run the command lines of ``docker-compose.yml`` with the very files of
``collector/``; only addresses and directories differ.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import socket
import subprocess
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

from tests.stack.build import COLLECTOR, JAEGER, LOKI, PROMETHEUS, ROOT, binary, build
from tests.stack.compose import Loopback, services
from tests.stack.query import is_answering, poll_until


if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


READY_SECONDS = 60.0
STOP_SECONDS = 10.0
QUICKER = {"SPAN_METRICS_INTERVAL": "1s"}
"""What one would otherwise wait for."""

NATIVE = {
    "prom/prometheus": PROMETHEUS,
    "grafana/loki": LOKI,
    "jaegertracing/jaeger": JAEGER,
    "otel/opentelemetry-collector-contrib": COLLECTOR,
}
"""Image → what it is natively, in the order of starting; stopping goes the other way round."""

READINESS = {
    "prometheus": (9090, "/-/ready"),
    "loki": (3100, "/ready"),
    "jaeger": (13134, "/status"),
    "otelcol": (13133, "/"),
}


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Return whether *port* can be listened on, on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclasses.dataclass(slots=True)
class Ports:
    """The local port of each port of each service: the same one if wanted and free, else any."""

    prefer_standard: bool = False
    _assigned: dict[tuple[str, int], int] = dataclasses.field(default_factory=dict)

    def __call__(self, service: str, port: int) -> int:
        """Return the local port, always the same one for a service and port."""
        if (service, port) not in self._assigned:
            self._assigned[service, port] = self._choose(port)
        return self._assigned[service, port]

    def _choose(self, port: int) -> int:
        taken = self._assigned.values()
        if self.prefer_standard and port not in taken and is_free(port):
            return port
        while (chosen := free_port()) in taken:
            pass
        return chosen


class Stack:
    """The four servers; a context manager that stops them."""

    def __init__(self, *, prefer_standard_ports: bool = False) -> None:
        for program in NATIVE.values():
            build(program)
        self._directory = tempfile.TemporaryDirectory(prefix="otel-flow-stack-")
        self._data = Path(self._directory.name)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._services = services()
        self._port = Ports(prefer_standard_ports)
        self._loopback = Loopback(frozenset(self._services), self._port, self._mounted)
        self.otlp_http = self._address("otelcol", 4318)
        self.otlp_grpc = self._address("otelcol", 4317)
        self.prometheus = self._address("prometheus", 9090)
        self.loki = self._address("loki", 3100)
        self.jaeger = self._address("jaeger", 16686)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the servers, in the order of starting."""
        by_image = {service.repository: service.name for service in self._services.values()}
        return tuple(by_image[image] for image in NATIVE)

    def start(self) -> Self:
        """Start all four and return when each of them answers."""
        try:
            *backends, collector = self.names
            for name in backends:
                self.launch(name)
            for name in backends:
                self.wait_until_ready(name)
            # Started before them, it would begin with a refused connection and back off.
            self.launch(collector)
            self.wait_until_ready(collector)
        except BaseException as error:
            for log in sorted(self._data.glob("*.log")):
                error.add_note(f"{log.name}:\n{log.read_text(errors='replace')[-2000:]}")
            self.close()
            raise
        return self

    def launch(self, name: str, **environ: str) -> None:
        """Start the server *name* as the compose file says, without waiting for it."""
        arguments, environment = self.native(name)
        program = binary(NATIVE[self._services[name].repository])
        self._run(name, [str(program), *arguments], environment | QUICKER | environ)

    def native(self, name: str) -> tuple[list[str], dict[str, str]]:
        """Return command and environment of any service of the compose file, on loopback."""
        service = self._services[name]
        return self._loopback.command(service), self._loopback.environment(service)

    def port(self, name: str, port: int) -> int:
        """Return the local port for *port* of the service *name*."""
        return self._port(name, port)

    def wait_until_ready(self, name: str) -> None:
        """Return when the server *name* says that it is ready."""
        port, path = READINESS[name]
        address = self._address(name, port) + path
        poll_until(functools.partial(self._is_ready, name, address), READY_SECONDS, address)

    def ended(self) -> str | None:
        """Return the name of a server that has ended by itself, if any has."""
        return next(
            (name for name, each in self._processes.items() if each.poll() is not None), None
        )

    def stop(self, name: str) -> None:
        """Stop the server *name*; its data stays until all are closed."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Stop the servers one by one, each before those it sends to, and remove their data."""
        for name in reversed(self._processes.copy()):
            self.stop(name)
        self._directory.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def local(self, name: str, text: str) -> str:
        """Return *text* about the server *name* with its addresses on loopback."""
        return self._loopback.addresses(name, text)

    def log(self, name: str) -> str:
        """Return what the server *name* has printed."""
        return (self._data / f"{name}.log").read_text(errors="replace")

    def _address(self, service: str, port: int) -> str:
        return f"http://127.0.0.1:{self._port(service, port)}"

    def _is_ready(self, name: str, address: str) -> bool:
        code = self._processes[name].poll()
        if code is not None:
            message = f"{name} has ended with status {code}"
            raise RuntimeError(message)
        return is_answering(address)

    def _mounted(self, service: str, source: str) -> Path:
        if not source.startswith("./"):
            volume = self._data / source
            volume.mkdir(exist_ok=True)
            return volume
        path = ROOT / source
        return self._with_targets(service, path) if (path / "targets").is_dir() else path

    def _with_targets(self, service: str, path: Path) -> Path:
        """Return a copy of a directory whose ``targets/`` name loopback addresses."""
        copy = self._data / f"{service}-mounted"
        if not copy.exists():
            shutil.copytree(path, copy)
            for file in (copy / "targets").glob("*.yml"):
                file.write_text(self._loopback.addresses(service, file.read_text()))
        return copy

    def _run(self, name: str, command: list[str], environ: Mapping[str, str]) -> None:
        with (self._data / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                env={**os.environ, **environ},
                stdout=log,
                stderr=log,
                cwd=self._data,
                # Ctrl-C on the terminal is ours alone: the servers stop in order.
                start_new_session=True,
            )
