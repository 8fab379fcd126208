"""
CPU that telemetry adds to a request: the bare service, upstream and ours, in one run.

``make bench``, or ``python -m benchmarks.per_request --help``. Every contender runs in a process of
its own from the beginning to the end; in each round all of them are asked in turn, in a random
order, at the same fixed rate. Measured is the CPU time of the process and its children from the
first request until everything has been sent to a sink outside.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil

from benchmarks.contenders import CONTENDERS
from benchmarks.load import Client
from benchmarks.machine import machine
from benchmarks.peers import PEERS
from benchmarks.sink import received, sink
from tests.environments import environment as python_with


WORKLOADS = {"hello": "/hello", "items": "/items/7"}
DRAIN_SECONDS = 6.5
"""Longer than the delays of all batches and the interval of metrics."""


def environment(contender, sink_port):
    """Return the variables of a contender: the same signals, intervals and conventions for all."""
    found = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    if contender == "bare":
        return found
    address = f"127.0.0.1:{sink_port}"
    places = {"sink": f"http://{address}", "dsn": f"http://key@{address}/1"}
    own = PEERS[contender].environ if contender in PEERS else {}
    return (
        found
        | {name: value.format(**places) for name, value in own.items()}
        | {
            "OTEL_SERVICE_NAME": "bench",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink_port}/{contender}",
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
            # uvicorn's access lines are off in all, and so are ours but where they are asked for.
            "OTEL_FLOW_ACCESS_LOG": "true" if contender == "ours+access" else "false",
        }
    )


def interpreter(contender, sqlalchemy):
    """Return how the interpreter of *contender* is started, in an environment of its own if need be."""
    peer = PEERS.get(contender)
    if peer is None:
        return [python_with(f"sqlalchemy=={sqlalchemy}.*") if sqlalchemy else sys.executable]
    python = python_with(*peer.requirements, alone=True)
    return [python.with_name(peer.wrapper), python] if peer.wrapper else [python]


def cpu_clock(pid):
    """Return the CPU seconds of all threads of a process, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


class Server:
    """One contender's service."""

    def __init__(self, contender, redis_port, sink_port, sqlalchemy):
        self.contender = contender
        self.port = self._free_port()
        arguments = [str(self.port), *([str(redis_port)] if redis_port else [])]
        self._process = subprocess.Popen(
            [
                *interpreter(contender, sqlalchemy),
                "-m",
                "benchmarks.service",
                contender,
                *arguments,
            ],
            env=environment(contender, sink_port),
            stdout=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        self._of_process = psutil.Process(self.pid)

    @staticmethod
    def _free_port():
        """Return a free port that no outgoing connection gets before the server has it."""
        while True:
            port = random.randrange(20_000, 32_000)
            with socket.socket() as free, contextlib.suppress(OSError):
                free.bind(("127.0.0.1", port))
                return port

    def wait(self):
        """Return when it answers."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/hello").read()
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.contender} does not start")

    def cpu(self):
        """Return the CPU seconds of the process and its children."""
        found = [self._of_process, *self._of_process.children(recursive=True)]
        ended = [process.cpu_times() for process in found]
        alive = sum(cpu_clock(process.pid) for process in found)
        return alive + sum(times.children_user + times.children_system for times in ended)

    def heartbeat(self):
        """Begin the heartbeat of the service's loop, or end it and return its worst in ms."""
        address = f"http://127.0.0.1:{self.port}/worst-wakeup"
        with urllib.request.urlopen(address) as answer:
            return float(answer.read())

    def size(self):
        """Return resident megabytes and threads."""
        return self._of_process.memory_info().rss / 1e6, self._of_process.num_threads()

    def stop(self):
        self._process.terminate()
        self._process.wait(30)


@contextlib.contextmanager
def redis_server():
    """Yield the port of a Redis server of our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def measure(server, path, options, sink_port):
    """Ask once for a round; return the round's figures."""
    async with Client(server.port, path) as client:
        await client.at_rate(options.rate // 2, options.rate)
        await asyncio.sleep(DRAIN_SECONDS)
        before, sent = server.cpu(), received(sink_port).get(server.contender, 0)
        latencies = await client.at_rate(options.requests, options.rate)
        await asyncio.sleep(DRAIN_SECONDS)
    after = received(sink_port).get(server.contender, 0)
    cpu = server.cpu() - before
    return {
        "cpu": cpu / options.requests * 1e6,
        "p50": latencies[len(latencies) // 2] * 1e3,
        "p99": latencies[int(len(latencies) * 0.99)] * 1e3,
        "bytes": (after - sent) / options.requests,
        "wakeup": await worst_wakeup(server, path, options.rate),
    }


async def worst_wakeup(server, path, rate):
    """Return the most milliseconds by which the loop came late, metrics collected meanwhile."""
    server.heartbeat()
    async with Client(server.port, path) as client:
        await client.at_rate(int(rate * DRAIN_SECONDS), rate)
    return server.heartbeat()


async def run(workload, options, redis_port):
    """Return, by contender, the figures of every round and the sizes at the end."""
    with sink() as sink_port:
        servers = [
            Server(name, redis_port, sink_port, options.sqlalchemy) for name in options.contenders
        ]
        try:
            for server in servers:
                server.wait()
            rounds = {server.contender: [] for server in servers}
            for _ in range(options.rounds):
                for server in random.sample(servers, len(servers)):
                    figures = await measure(server, WORKLOADS[workload], options, sink_port)
                    rounds[server.contender].append(figures)
            return rounds, {server.contender: server.size() for server in servers}
        finally:
            for server in servers:
                server.stop()


def added(rounds, contender):
    """Return the added CPU of each round, in microseconds a request."""
    pairs = zip(rounds[contender], rounds["bare"], strict=True)
    return [one["cpu"] - bare["cpu"] for one, bare in pairs]


def table(workload, rounds, sizes):
    """Return the table of a workload as Markdown."""
    lines = [
        f"### /{workload}",
        "",
        "| | CPU, µs | added, µs | spread | of upstream | p50, ms | p99, ms | worst wake-up, ms | RSS, MB | threads | B sent |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    reference = statistics.median(added(rounds, "upstream")) if "upstream" in rounds else None
    for contender, figures in rounds.items():
        middle = {key: statistics.median(one[key] for one in figures) for key in figures[0]}
        more = added(rounds, contender)
        median = statistics.median(more)
        share = f"{median / reference:.1%}" if reference and contender != "bare" else ""
        rss, threads = sizes[contender]
        lines.append(
            f"| {contender} | {middle['cpu']:.0f} | {median:.0f} | {min(more):.0f}..{max(more):.0f} "
            f"| {share} | {middle['p50']:.2f} | {middle['p99']:.2f} | {middle['wakeup']:.1f} "
            f"| {rss:.0f} | {threads} | {middle['bytes']:.0f} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=[*CONTENDERS, *PEERS],
        default=["bare", "upstream", "ours", "ours+access"],
    )
    parser.add_argument("--sqlalchemy", help="the version for all that bring none, such as 2.0")
    parser.add_argument("--requests", type=int, default=1500, help="of one contender in one round")
    parser.add_argument("--rate", type=int, default=250, help="requests a second")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="where to keep all figures")
    options = parser.parse_args()
    if "items" in options.workloads and not shutil.which("redis-server"):
        parser.error("/items needs redis-server: apt-get install redis-server")
    kept = {"machine": machine(), "options": {**vars(options), "json": None}}
    for workload in options.workloads:
        needs_redis = redis_server() if workload == "items" else contextlib.nullcontext()
        with needs_redis as redis_port:
            rounds, sizes = asyncio.run(run(workload, options, redis_port))
        kept[workload] = {"rounds": rounds, "sizes": sizes}
        print(table(workload, rounds, sizes), end="\n\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
