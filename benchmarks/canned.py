"""A connection to Redis without a server, whose system calls would cost more, and never twice the same."""

import redis


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
