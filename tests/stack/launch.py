"""
Start the native Collector, Prometheus, Jaeger and Loki on free loopback ports.

They run with the very files of ``collector/``; only addresses and directories differ.
"""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

from tests.stack.build import COLLECTOR, JAEGER, LOKI, PROMETHEUS, ROOT, binary, build
from tests.stack.query import is_answering, poll_until


if TYPE_CHECKING:
    from typing import Self


CONFIGURATION = ROOT / "collector"
READY_SECONDS = 60.0


def free_ports(count: int) -> list[int]:
    """Return *count* different loopback ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Stack:
    """The four servers; a context manager that stops them."""

    def __init__(self) -> None:
        for program in (COLLECTOR, PROMETHEUS, JAEGER, LOKI):
            build(program)
        self._directory = tempfile.TemporaryDirectory(prefix="otel-flow-stack-")
        self._data = Path(self._directory.name)
        self._processes: list[subprocess.Popen[bytes]] = []
        ports = iter(free_ports(13))
        (self._otlp_http, self._otlp_grpc, self._health, self._own) = (next(ports) for _ in "1234")
        (self._prometheus, self._loki, self._loki_grpc) = (next(ports) for _ in "123")
        (self._jaeger, self._jaeger_grpc, self._jaeger_otlp) = (next(ports) for _ in "123")
        (self._jaeger_health, self._jaeger_own) = (next(ports) for _ in "12")
        self.otlp_http = f"http://127.0.0.1:{self._otlp_http}"
        self.prometheus = f"http://127.0.0.1:{self._prometheus}"
        self.loki = f"http://127.0.0.1:{self._loki}"
        self.jaeger = f"http://127.0.0.1:{self._jaeger}"

    def start(self) -> Self:
        """Start all four and return when each of them answers."""
        try:
            self._start_prometheus()
            self._start_loki()
            self._start_jaeger()
            self._start_collector()
            for address in self._readiness():
                poll_until(functools.partial(is_answering, address), READY_SECONDS, address)
        except BaseException as error:
            for log in sorted(self._data.glob("*.log")):
                error.add_note(f"{log.name}:\n{log.read_text(errors='replace')[-2000:]}")
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the servers one by one, each before those it sends to, and remove their data."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def log(self, name: str) -> str:
        """Return what the server *name* has printed."""
        return (self._data / f"{name}.log").read_text(errors="replace")

    def _readiness(self) -> tuple[str, ...]:
        return (
            f"{self.prometheus}/-/ready",
            f"{self.loki}/ready",
            f"http://127.0.0.1:{self._jaeger_health}/status",
            f"http://127.0.0.1:{self._health}/",
        )

    def _run(self, name: str, command: list[str], **environ: str) -> None:
        with (self._data / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **environ}, stdout=log, stderr=log, cwd=self._data
            )
        self._processes.append(process)

    def _start_prometheus(self) -> None:
        self._run(
            "prometheus",
            [
                str(binary(PROMETHEUS)),
                f"--config.file={CONFIGURATION / 'prometheus' / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._data / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self._prometheus}",
                "--web.enable-otlp-receiver",
                "--enable-feature=exemplar-storage",
            ],
        )

    def _start_loki(self) -> None:
        self._run(
            "loki",
            [
                str(binary(LOKI)),
                f"-config.file={CONFIGURATION / 'loki' / 'loki.yaml'}",
                "-config.expand-env=true",
            ],
            LOKI_HTTP_PORT=str(self._loki),
            LOKI_GRPC_PORT=str(self._loki_grpc),
            LOKI_DATA=str(self._data / "loki"),
        )

    def _start_jaeger(self) -> None:
        self._run(
            "jaeger",
            [str(binary(JAEGER)), f"--config={CONFIGURATION / 'jaeger' / 'jaeger.yaml'}"],
            PROMETHEUS_ENDPOINT=self.prometheus,
            JAEGER_QUERY_ENDPOINT=f"127.0.0.1:{self._jaeger}",
            JAEGER_QUERY_GRPC_ENDPOINT=f"127.0.0.1:{self._jaeger_grpc}",
            JAEGER_OTLP_ENDPOINT=f"127.0.0.1:{self._jaeger_otlp}",
            JAEGER_HEALTH_ENDPOINT=f"127.0.0.1:{self._jaeger_health}",
            JAEGER_TELEMETRY_PORT=str(self._jaeger_own),
        )

    def _start_collector(self) -> None:
        self._run(
            "otelcol",
            [str(binary(COLLECTOR)), f"--config={CONFIGURATION / 'otelcol' / 'base.yaml'}"],
            OTLP_HTTP_ENDPOINT=f"127.0.0.1:{self._otlp_http}",
            OTLP_GRPC_ENDPOINT=f"127.0.0.1:{self._otlp_grpc}",
            HEALTH_ENDPOINT=f"127.0.0.1:{self._health}",
            TELEMETRY_PORT=str(self._own),
            SPAN_METRICS_INTERVAL="1s",
            JAEGER_ENDPOINT=f"127.0.0.1:{self._jaeger_otlp}",
            PROMETHEUS_ENDPOINT=self.prometheus,
            LOKI_ENDPOINT=self.loki,
        )
