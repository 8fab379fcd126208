"""Redis, PostgreSQL and RabbitMQ servers of a test session, each private and on loopback."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time

from pathlib import Path
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from collections.abc import Iterator


READY_SECONDS = 60


def program(name: str, package: str) -> str:
    """The path of *name*; missing, a failure in CI and a named skip elsewhere."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None
    )
    if found is None:
        message = f"{name} is missing; apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(command: list[str], port: int, **options: object) -> Iterator[subprocess.Popen]:
    """Run *command* until the block ends; the block begins when *port* is open."""
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(command, stdout=output, stderr=output, **options) as process,
    ):
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not is_open(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    pytest.fail(f"{command[0]}: {output.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.02)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def redis_server(port: int | None = None) -> Iterator[str]:
    port = port or free_port()
    command = [program("redis-server", "redis-server"), "--port", str(port)]
    command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory() as directory, running(command, port, cwd=directory):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def redis_cluster() -> Iterator[list[int]]:
    """Three masters that share the slots; the ports they are at."""
    server, client = program("redis-server", "redis-server"), program("redis-cli", "redis-tools")
    ports, ends = [free_port() for _ in range(3)], (0, 5461, 10923, 16384)

    def ask(port: int, *words: object) -> str:
        command = [client, "-p", str(port), *map(str, words)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with contextlib.ExitStack() as stack:
        for port in ports:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
            command += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            stack.enter_context(running(command, port, cwd=directory))
        buses = [ask(port, "config", "get", "cluster-port").split()[1] for port in ports]
        for number, port in enumerate(ports):
            ask(port, "cluster", "addslotsrange", ends[number], ends[number + 1] - 1)
            # Equal epochs of nodes that meet are settled one after the other.
            ask(port, "cluster", "set-config-epoch", number + 1)
        for port, bus in zip(ports[1:], buses[1:], strict=True):
            ask(ports[0], "cluster", "meet", "127.0.0.1", port, bus)
        deadline = time.monotonic() + READY_SECONDS
        while not all(
            "cluster_state:ok" in (info := ask(port, "cluster", "info"))
            and "cluster_known_nodes:3" in info
            for port in ports
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield ports


@contextlib.contextmanager
def redis_sentinel() -> Iterator[tuple[int, int]]:
    """A Sentinel that watches a master called ``shop``; the ports of both."""
    server, port = program("redis-server", "redis-server"), free_port()
    with redis_server() as url, tempfile.TemporaryDirectory() as directory:
        master = int(url.rpartition(":")[2].partition("/")[0])
        file = Path(directory) / "sentinel.conf"
        file.write_text(
            f"bind 127.0.0.1\nport {port}\nsentinel monitor shop 127.0.0.1 {master} 1\n"
        )
        with running([server, str(file), "--sentinel"], port, cwd=directory):
            yield port, master


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    initdb, postgres = program("initdb", "postgresql"), program("postgres", "postgresql")
    port = free_port()
    # PostgreSQL refuses to run as root; Debian's package brings the user.
    user = {"user": "postgres"} if getpass.getuser() == "root" else {}
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        if user:
            shutil.chown(directory, "postgres")
        subprocess.run(
            [initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=directory,
            **user,
        )
        command = [postgres, "-D", str(data), "-p", str(port), "-c", "fsync=off"]
        command += [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={directory}",
        ]
        with running(command, port, cwd=directory, **user) as process:
            wait_for_login(process, port)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
            # SIGTERM waits for clients; SIGINT, the fast shutdown, does not.
            process.send_signal(2)
            process.wait(15)


def wait_for_login(process: subprocess.Popen, port: int) -> None:
    """The port opens before the server takes logins."""
    ready = [program("pg_isready", "postgresql"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + READY_SECONDS
    while subprocess.run(ready, check=False).returncode != 0:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def rabbitmq_server() -> Iterator[str]:
    program("rabbitmq-server", "rabbitmq-server")
    # Debian's wrapper in /usr/sbin changes the user, who could not write here.
    server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    port, distribution, names = free_port(), free_port(), str(free_port())
    with tempfile.TemporaryDirectory() as directory:
        environ = {
            **os.environ,
            "HOME": directory,
            "RABBITMQ_NODENAME": f"flow{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": directory,
            "RABBITMQ_LOG_BASE": directory,
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": names,
        }
        with running([server], port, env=environ, cwd=directory, start_new_session=True):
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
        # The name daemon outlives the server that started it.
        subprocess.run(["epmd", "-port", names, "-kill"], check=False, capture_output=True)
