"""Connections to Redis without a server, whose system calls would cost more, and never twice the same."""

import redis
import redis.asyncio


class Canned(redis.Connection):
    """Answers whatever it is asked at once."""

    def connect(self):
        pass

    def can_read(self, timeout=0):  # noqa: ARG002  upstream's signature
        return False

    def pack_commands(self, commands):
        pass

    def send_command(self, *arguments, **options):
        pass

    def send_packed_command(self, command, check_health=True):  # noqa: FBT002
        pass

    def read_response(self, *_arguments, **_options):
        return b"reply"


class CannedAsync(redis.asyncio.Connection):
    """The same for asyncio."""

    async def connect(self):
        pass

    async def can_read(self):
        return False

    async def send_command(self, *arguments, **options):
        pass

    async def read_response(self, *_arguments, **_options):
        return b"reply"
