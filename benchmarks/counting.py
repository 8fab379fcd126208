"""
Counting the instructions of a call, by callgrind; where there is none, its CPU time.

A server imports everything once and forks for every measurement. Under callgrind it does so
uncounted, at a fifth of the speed and not at a fiftieth; only the child that measures has callgrind
count, by the instructions to which valgrind listens (its manual: the client request mechanism).
Two lengths of the loop are measured, so that what is not the loop falls out of the difference.
"""

import contextvars
import ctypes
import gc
import json
import mmap
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time


_REQUEST = bytes.fromhex("4889f8 4831d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
"""x86-64: the words' address to rax, 0 to rdx, the four rotations that mean a request, rdx back."""
_ZERO, _START = ((ord("C") << 24 | ord("T") << 16) + number for number in (1, 4))
_WARM = 16
"""Calls before the counted ones: the interpreter specialises what has run eight times."""


def ask_callgrind(request):
    """Have callgrind begin to count, or begin anew; without it the instructions do nothing."""
    if platform.machine() != "x86_64":
        return
    with mmap.mmap(
        -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ) as page:
        page.write(_REQUEST)
        first = ctypes.c_char.from_buffer(page)
        words = (ctypes.c_ulong * 6)(request)
        function = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(ctypes.addressof(first))
        function(ctypes.addressof(words))
        del function, first


def total(text):
    """Return the instructions of all threads in the text of callgrind's output."""
    return int(re.search(r"^totals: (\d+)", text, re.MULTILINE)[1])


class CpuTime:
    """Nanoseconds of CPU, the least of some rounds."""

    unit = "ns"
    rounds = 5
    calls = 2000

    def command(self, folder):
        """Return what a server is started with, before its own command."""
        del folder
        return []

    def count(self, pid, nanoseconds, folder):
        """Return what the child *pid*, which has ended, has used."""
        del pid, folder
        return nanoseconds


class Callgrind:
    """Instructions, the same each time."""

    unit = "instructions"
    rounds = 1
    calls = 192

    def command(self, folder):
        """Return what a server is started with, before its own command."""
        options = ["--instr-atstart=no", f"--callgrind-out-file={folder}/%p"]
        return ["valgrind", "-q", "--tool=callgrind", *options]

    def count(self, pid, nanoseconds, folder):
        """Return what the child *pid*, which has ended, has executed."""
        del nanoseconds
        output = pathlib.Path(folder, str(pid))
        found = total(output.read_text(errors="replace"))
        output.unlink()
        return found


def means():
    """Return how this machine can count."""
    can = shutil.which("valgrind") and platform.machine() == "x86_64"
    return Callgrind() if can else CpuTime()


class Server:
    """Measures in children of its own; a context manager."""

    def __init__(self, means):
        self._means = means

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="otel-flow-")
        self._process = subprocess.Popen(
            [*self._means.command(self._folder.name), sys.executable, "-m", "benchmarks.counting"],
            env=_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        self._folder.cleanup()

    def cost(self, operation, side, calls):
        """Return what one *operation* of *side* costs, in the unit of the means."""
        calls = max(1, calls // operation.items)
        lengths = [calls, 2 * calls] * self._means.rounds
        warm = max(1, _WARM // operation.items)
        asked = {"operation": operation.name, "side": side, "lengths": [warm, *lengths]}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline() or "[]")
        if len(told) != len(lengths):
            raise RuntimeError(f"{operation.name} of {side} fails, see above")
        found = [self._means.count(*one, self._folder.name) for one in told]
        return (min(found[1::2]) - min(found[::2])) / calls / operation.items


def _environ():
    """Return the variables of a server: sets and dictionaries have the same order each time."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return kept | {"PYTHONHASHSEED": "0", "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}


def forked(function, *arguments):
    """Return the id of a child that calls *function*, and what that returns; None where it fails."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(tell, json.dumps(function(*arguments)).encode())
        except Exception:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told) as reader:
        text = reader.read()
    os.waitpid(pid, 0)
    return pid, json.loads(text or "null")


def _loop(call, calls):
    """Return the nanoseconds of CPU of so many calls, and have callgrind count these alone."""
    ask_callgrind(_ZERO)
    started = time.process_time_ns()
    for _ in range(calls):
        call()
    return time.process_time_ns() - started


def _measure(build, side, lengths):
    """Return, for each of *lengths* but the first, the child that called so often and its CPU time."""
    call = build(side)
    # How often it runs depends on what else is alive.
    gc.disable()
    # From here on, so that no child has to translate anew what the calls before have used.
    ask_callgrind(_START)
    warm, *counted = lengths
    _loop(call, warm)
    return [forked(_loop, call, calls) for calls in counted]


def _serve(operations, preload):
    for line in sys.stdin:
        asked = json.loads(line)
        operation = operations[asked["operation"]]
        if operation.alone:
            preload()
        arguments = _measure, operation.build, asked["side"], asked["lengths"]
        _, told = forked(contextvars.copy_context().run, *arguments)
        print(json.dumps(told or []), flush=True)


def main():
    from benchmarks.operations import OPERATIONS, preload

    _serve(OPERATIONS, preload)


if __name__ == "__main__":
    main()
