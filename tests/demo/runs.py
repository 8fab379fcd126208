"""Runs of the true command, as a person or a pipe starts it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time


COMMAND = [sys.executable, "-m", "otel_flow"]

DROPPING = """
import dataclasses, sys
from otel_flow.otlp.receiver import server
decode, dropped = server.decode, []

def forgetful(signal, body, **options):
    batch = decode(signal, body, **options)
    requests = [span for span in batch.spans if span.kind == "server"]
    if requests and not dropped:
        dropped.append(requests[0].trace_id)
        kept = tuple(span for span in batch.spans if span is not requests[0])
        batch = dataclasses.replace(batch, spans=kept)
    return batch

server.decode = forgetful
from otel_flow.cli import main
code = main(sys.argv[1:])
sys.stderr.write(f"dropped {dropped[0]}")
sys.exit(code)
"""
"""The command with a receiver that forgets the first server span."""


def environ(**changes):
    """This process' environment with noise that must not reach the shop."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    noise = {
        "OTEL_SDK_DISABLED": "true",
        "OTEL_SERVICE_NAME": "x",
        "http_proxy": "http://127.0.0.1:9",
    }
    return {**clean, **noise, "COLUMNS": "100", **changes}


class Run:
    """A command that runs; `finish` waits for it."""

    def __init__(self, *arguments, command=COMMAND, **variables):
        self._process = subprocess.Popen(
            [*command, *arguments],
            env=environ(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self):
        self.stdout, self.stderr = self._process.communicate(timeout=170)
        self.code = self._process.returncode
        return self

    def kill(self):
        self._process.kill()
        self._process.communicate()


class TerminalRun:
    """A command on a terminal of *columns*; Ctrl-C is typed when *until* was shown."""

    def __init__(self, *arguments, columns, until, **variables):
        self._until = until
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [*COMMAND, *arguments], environ(**variables))
        size = struct.pack("HHHH", 40, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def finish(self):
        shown, typed, end = b"", False, time.monotonic() + 120
        while time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.2)[0]:
                try:
                    piece = os.read(self._terminal, 65536)
                except OSError:
                    break
                shown += piece
            if self._until in shown and not typed:
                os.write(self._terminal, b"\x03")
                typed = True
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self._terminal)
        self.pid = None
        self.shown = shown.decode()
        return self

    def kill(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self._terminal)
