"""CPU of a request to ``/hello`` behind uvicorn with one worker and with more, at a modest rate."""

import asyncio
import statistics
import subprocess
import sys

import psutil

from benchmarks.load import Client
from benchmarks.per_request import DRAIN_SECONDS, Server, environment
from benchmarks.sink import sink


WORKERS = (1, 2, 4, 8)
CONTENDERS = ("bare", "upstream", "ours")
REQUESTS = 300
RATE = 50
ROUNDS = 2


class Supervised(Server):
    """One contender's service, of *workers* processes under uvicorn's supervisor."""

    def __init__(self, contender, workers, sink_port):
        self.contender = contender
        self.port = self._free_port()
        command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.workers:app"]
        options = ["--port", str(self.port), "--workers", str(workers), "--no-access-log"]
        self._process = subprocess.Popen(
            [*command, *options, "--log-level", "warning", "--timeout-keep-alive", "75"],
            env=environment(contender, sink_port) | {"BENCH_CONTENDER": contender},
            stdout=subprocess.DEVNULL,
        )
        self._of_process = psutil.Process(self._process.pid)


def app():
    """Return the application of a worker."""
    import os

    from benchmarks import service

    service.CONTENDERS[os.environ["BENCH_CONTENDER"]]()
    return service.build(None)


async def _round(server):
    async with Client(server.port, "/hello", spread=True) as client:
        await client.at_rate(RATE, RATE)
        await asyncio.sleep(DRAIN_SECONDS)
        before = server.cpu()
        await client.at_rate(REQUESTS, RATE)
        await asyncio.sleep(DRAIN_SECONDS)
    return (server.cpu() - before) / REQUESTS * 1e6


async def _rounds(servers):
    """Return the figures of all, which are asked at the same time: what counts is CPU time."""
    return await asyncio.gather(*(_round(server) for server in servers))


def workers():
    """Return the median µs of a request, by contender and number of workers."""
    found = {contender: {} for contender in CONTENDERS}
    for number in WORKERS:
        with sink() as port:
            servers = [Supervised(contender, number, port) for contender in CONTENDERS]
            try:
                for server in servers:
                    server.wait()
                rounds = [asyncio.run(_rounds(servers)) for _ in range(ROUNDS)]
            finally:
                for server in servers:
                    server.stop()
        for server, all_ in zip(servers, zip(*rounds, strict=True), strict=True):
            found[server.contender][number] = statistics.median(all_)
    return found
