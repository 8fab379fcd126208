"""An HTTP client that asks at a fixed rate, whatever the answers take."""

import asyncio
import time


CONNECTIONS = 16


class Client:
    """
    Keeps connections to one server, each with one request at a time.

    The one that was free last is asked next; with *spread* it is the one that was free first,
    so that all workers of a server are.
    """

    def __init__(self, port, path, *, spread=False):
        self._port = port
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "User-Agent: otel-flow-bench/1\r\nAccept: */*\r\n\r\n"
        ).encode()
        self._idle = asyncio.Queue() if spread else asyncio.LifoQueue()

    async def __aenter__(self):
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))
        return self

    async def __aexit__(self, *_):
        while not self._idle.empty():
            _, writer = self._idle.get_nowait()
            writer.close()

    async def get(self):
        """Ask once; raises `RuntimeError` for any answer but 200."""
        connection = reader, writer = await self._idle.get()
        if reader.at_eof():
            # The server has closed what was idle for longer than it keeps connections.
            writer.close()
            connection = reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        self._idle.put_nowait(connection)

    async def at_rate(self, requests, rate):
        """Ask *requests* times, *rate* times a second; return the seconds of each answer."""
        begin = time.perf_counter()
        latencies = []

        async def one(due):
            await self.get()
            latencies.append(time.perf_counter() - due)

        async with asyncio.TaskGroup() as group:
            for number in range(requests):
                due = begin + number / rate
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                group.create_task(one(due))
        return sorted(latencies)

    async def as_fast_as_possible(self, seconds):
        """Ask for *seconds* on all connections; return requests a second."""
        end = time.perf_counter() + seconds
        count = 0

        async def many():
            nonlocal count
            while time.perf_counter() < end:
                await self.get()
                count += 1

        await asyncio.gather(*(many() for _ in range(CONNECTIONS)))
        return count / seconds
