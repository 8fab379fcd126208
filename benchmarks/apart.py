"""
Where the CPU of a request behind uvicorn goes, taken apart.

``python -m benchmarks.apart``. All contenders serve at once, and one client asks them in a
random order: what else the machine does hits all of them alike. What a process pays by the
second is measured first, while nobody asks, and subtracted; a request's rest is apart by thread.
"""

import argparse
import asyncio
import contextlib
import pathlib
import random
import time

from itertools import pairwise

from benchmarks.contenders import CONTENDERS
from benchmarks.load import Client
from benchmarks.peers import PEERS
from benchmarks.per_request import DRAIN_SECONDS, WORKLOADS, Server, cpu_clock, redis_server
from benchmarks.sink import sink


NAMES = ("bare", "upstream", "ours", "ours-headers", "ours-runtime", "ours+access")
IDLE_SECONDS = 20
WARM = 300


def main_thread(pid):
    """Return the CPU seconds of the thread in which the event loop runs (proc_pid_schedstat)."""
    nanoseconds, *_ = pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()
    return int(nanoseconds) / 1e9


def used(servers):
    """Return the time, and the seconds of each process and of its main thread."""
    now = time.perf_counter()
    return now, [(cpu_clock(server.pid), main_thread(server.pid)) for server in servers]


async def ask(clients, requests, rate):
    """Ask *clients* in a random order, *requests* times each, *rate* times a second together."""
    order = random.sample([*clients] * requests, len(clients) * requests)
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, client in enumerate(order):
            if (early := begin + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(client.get())


async def measure(servers, options):
    """Return, of each server, microseconds: a second of doing nothing, a request, its main thread."""
    async with contextlib.AsyncExitStack() as stack:
        path = WORKLOADS[options.workload]
        clients = [await stack.enter_async_context(Client(server.port, path)) for server in servers]
        await ask(clients, WARM, options.rate)
        await asyncio.sleep(DRAIN_SECONDS)
        first, idle_from = used(servers)
        await asyncio.sleep(IDLE_SECONDS)
        second, idle_to = used(servers)
        await ask(clients, options.requests, options.rate)
        await asyncio.sleep(DRAIN_SECONDS)
        last, end = used(servers)
    found = []
    for parts in zip(idle_from, idle_to, end, strict=True):
        resting, asked = (
            [(b - a) * 1e6 for a, b in zip(*pair, strict=True)] for pair in pairwise(parts)
        )
        idle = [each / (second - first) for each in resting]
        request = [
            (each - by_second * (last - second)) / options.requests
            for each, by_second in zip(asked, idle, strict=True)
        ]
        found.append((idle[0], *request))
    return found


def table(names, found):
    """Return the lines of the table; the first of *names* is what the others are compared with."""
    bare = found[0]
    reference = found[names.index("upstream")][1] - bare[1] if "upstream" in names else None
    yield "| | by the second, µs | a request, µs | added | of upstream | in the loop's thread | in others |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, (idle, whole, main) in zip(names, found, strict=True):
        share = f"{(whole - bare[1]) / reference:.0%}" if reference and name != names[0] else ""
        loop, others = main - bare[2], (whole - main) - (bare[1] - bare[2])
        yield (
            f"| {name} | {idle:.0f} | {whole:.0f} | {whole - bare[1]:.0f} | {share} "
            f"| {loop:.0f} | {others:.0f} |"
        )


async def run(options):
    """Print the table."""
    with sink() as sink_port, contextlib.ExitStack() as stack:
        servers = []
        redis_port = stack.enter_context(redis_server()) if options.workload == "items" else None
        for name in options.contenders:
            servers.append(Server(name, redis_port, sink_port, options.sqlalchemy))
            stack.callback(servers[-1].stop)
        for server in servers:
            server.wait()
        found = await measure(servers, options)
    print("\n".join(table(options.contenders, found)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--workload", choices=WORKLOADS, default="hello")
    parser.add_argument(
        "--contenders", nargs="+", choices=[*CONTENDERS, *PEERS], default=list(NAMES)
    )
    parser.add_argument("--sqlalchemy", help="the version for all that bring none, such as 2.0")
    parser.add_argument("--requests", type=int, default=4000, help="of each contender")
    parser.add_argument("--rate", type=int, default=300, help="requests a second, all together")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
